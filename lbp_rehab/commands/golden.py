"""``lbp-rehab golden``: the results that replays are held against."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lbp_rehab.commands import session_options
from lbp_rehab.commands.replay import EXIT_FAILED, following, print_comparison
from lbp_rehab.errors import InputError
from lbp_rehab.start import EXIT_INTERRUPTED, loading

if TYPE_CHECKING:
    from lbp_rehab.replay.golden import Golden
    from lbp_rehab.replay.jobs import Outcome

EXIT_NOT_ACCEPTED = 1
FOLDER = Path("golden")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("add", help="replay a recording and keep the result")
    new.add_argument("bag", type=Path, nargs="+", help="recording")
    new.add_argument("--name", help="of the golden recording (default: as the recording)")
    session_options.add_options(new)
    update = actions.add_parser("update", help="replay again, show what changed, keep it if right")
    update.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    update.add_argument("--yes", action="store_true", help="keep without asking")
    update.add_argument("--page", type=Path, metavar="DIR", help="folder for a page of each")
    shown = actions.add_parser("list", help="list them and how they were made")
    for action in (new, update, shown):
        action.add_argument(
            "--set", type=Path, default=FOLDER, metavar="DIR", dest="folder",
            help=f"folder of the golden recordings (default: {FOLDER})",
        )  # fmt: skip


def main(arguments: argparse.Namespace) -> int:
    """Do what is asked."""
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.replay import golden  # noqa: PLC0415, F401

    return {"add": _add, "update": _update, "list": _list}[arguments.action](arguments)


def _add(arguments: argparse.Namespace) -> int:
    from lbp_rehab.replay import golden  # noqa: PLC0415
    from lbp_rehab.replay.jobs import Job  # noqa: PLC0415

    if arguments.name and len(arguments.bag) > 1:
        raise InputError("--name is for one recording; leave it out for several")
    if arguments.name and Path(arguments.name).name != arguments.name:
        raise InputError(f"--name: '{arguments.name}' is no name of a folder; --set says where")
    for bag in arguments.bag:
        job = Job(
            arguments.name or golden.name_of(bag),
            bag,
            session_options.options(arguments),
            session_options.selection(arguments),
        )
        with following(job.name) as progress:
            result = golden.add(job, arguments.folder, progress).replayed
        assert result is not None
        count = sum(result.sent.values())
        print(f"{arguments.folder / job.name}: {count} messages of {len(result.sent)} topics")
        for warning in result.warnings:
            print(f"warning: {warning}")
    return 0


def _update(arguments: argparse.Namespace) -> int:
    from lbp_rehab.replay import golden  # noqa: PLC0415

    there = {g.path.name: g for g in golden.within(arguments.folder)}
    unknown = [name for name in arguments.names if name not in there]
    if unknown:
        raise InputError(
            f"there is no golden recording '{unknown[0]}'; there are {', '.join(there) or 'none'}"
        )
    return max((_renewed(there[name], arguments) for name in arguments.names or there), default=0)


def _renewed(golden: Golden, arguments: argparse.Namespace) -> int:
    """Return 0 if it is, in the end, what the code gives."""
    from lbp_rehab.replay.golden import renew  # noqa: PLC0415

    accepted = []

    def accept(outcome: Outcome) -> bool:
        _show(outcome)
        accepted.append(arguments.yes or _asked())
        return accepted[0]

    page = arguments.page / f"{golden.path.name}.html" if arguments.page else None
    with following(golden.path.name) as progress:
        outcome = renew(golden, accept, page, progress)
    if outcome.error:
        print(f"lbp-rehab: {golden.path}: {outcome.error}", file=sys.stderr)
        return EXIT_FAILED
    if not accepted:
        print(f"{golden.path}: as before")
        return 0
    print(f"{golden.path}: {'kept as the new one' if accepted[0] else 'left as it was'}")
    return 0 if accepted[0] else EXIT_NOT_ACCEPTED


def _show(outcome: Outcome) -> None:
    print(f"{outcome.job.golden}:")
    print_comparison(outcome)
    if outcome.job.page is not None:
        print(f"page: {outcome.job.page}")


def _asked() -> bool:
    if not sys.stdin.isatty():
        print("nobody to ask; give --yes to keep what changed")
        return False
    return input("keep this as the golden recording? [y/N] ").strip().lower() in ("y", "yes")


def _list(arguments: argparse.Namespace) -> int:
    from lbp_rehab.bags import summary  # noqa: PLC0415
    from lbp_rehab.replay.golden import within  # noqa: PLC0415

    found = within(arguments.folder)
    if not found:
        print(f"no golden recording in '{arguments.folder}'")
    for golden in found:
        made = golden.made
        about = summary(golden.path)
        count = sum(t.count for t in about.topics)
        print(f"{golden.path.name}: {count} messages of {len(about.topics)} topics")
        print(f"  recording {golden.recording} ({golden.state})")
        chosen = ", ".join(f"{k} {v}" for k, v in sorted(made.options.items()))
        print(
            f"  made by lbp_rehab {made.version} on {made.machine}" + f", {chosen}" * bool(chosen)
        )
    return 0
