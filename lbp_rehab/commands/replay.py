"""``lbp-rehab replay``: recordings through the graph in lockstep, to the same bytes each time."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from lbp_rehab.commands import session_options
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError
from lbp_rehab.start import EXIT_INTERRUPTED, loading

if TYPE_CHECKING:
    from lbp_rehab.replay.jobs import Job, Outcome

EXIT_DIFFERENT = 1
EXIT_FAILED = 2


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "bag",
        type=Path,
        nargs="+",
        help="folder of a bag, its .mcap or .db3 file, a golden recording, or a folder of them",
    )
    parser.add_argument(
        "--golden", type=Path, metavar="DIR", help="golden recording to compare with, or a folder"
    )
    session_options.add_tolerance(parser)
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="HTML of what changed; of many bags, a folder"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML of what changed")
    parser.add_argument("--output", type=Path, metavar="DIR", help="bag of what the nodes publish")
    parser.add_argument(
        "--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
        help="processes; the result is the same (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster that does the work"
    )
    session_options.add_options(parser)
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Replay, compare, and say what came out."""
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.compare import tolerance  # noqa: PLC0415
        from lbp_rehab.replay import golden  # noqa: PLC0415
        from lbp_rehab.replay.jobs import Job  # noqa: PLC0415

    like = Job(
        "",
        arguments.bag[0],
        session_options.options(arguments),
        session_options.selection(arguments),
        tolerance=tolerance.chosen(arguments.tolerance, arguments.exact),
    )
    changed = session_options.changed(arguments)
    jobs = golden.jobs(arguments.bag, like, arguments.golden, changed)
    if len(jobs) == 1 and not arguments.scheduler:
        if arguments.page is not None and jobs[0].golden is None:
            raise InputError("--page shows what changed, and there is no --golden to compare with")
        job = replace(jobs[0], output=arguments.output, page=arguments.page)
        return _one(replace(job, processes=arguments.jobs), arguments)
    return _many(jobs, arguments)


def _one(job: Job, arguments: argparse.Namespace) -> int:
    from lbp_rehab.replay.jobs import run  # noqa: PLC0415

    with following("replay") as progress:
        outcome = run(job, progress)
    write_json(arguments.json, _figures(outcome))
    _junit([outcome], arguments)
    if outcome.error:
        raise InputError(outcome.error)
    if arguments.json != "-":
        _print(outcome)
    return _exit([outcome])


@contextmanager
def following(name: str) -> Iterator[Callable[[float], None]]:
    """Show how many seconds of a recording are done; give who is to be told."""
    with tqdm(desc=name, delay=2.0, bar_format=BAR) as bar:

        def progress(seconds: float) -> None:
            bar.update(seconds - bar.n)

        yield progress


BAR = "{desc}: {n:.1f} s of the recording [{elapsed}]"


def _many(jobs: Sequence[Job], arguments: argparse.Namespace) -> int:
    from lbp_rehab.replay.many import outcomes  # noqa: PLC0415
    from lbp_rehab.replay.summary import write_summary  # noqa: PLC0415

    pages, output = arguments.page, arguments.output
    jobs = [
        replace(
            job,
            output=output / job.name if output else None,
            page=(pages / f"{job.name}.html").absolute() if pages and job.golden else None,
        )
        for job in jobs
    ]
    found = []
    with tqdm(total=len(jobs), unit="bag", desc="replay") as bar:
        for outcome in outcomes(jobs, arguments.jobs, arguments.scheduler):
            found.append(outcome)
            bar.update()
            if arguments.json != "-":
                bar.write(_line(outcome))
    place = {job.name: k for k, job in enumerate(jobs)}
    found.sort(key=lambda o: place[o.job.name])
    if pages:
        write_summary(pages / "index.html", found)
        if arguments.json != "-":
            print(f"summary: {pages / 'index.html'}")
    write_json(arguments.json, {"recordings": [_figures(o) for o in found]})
    _junit(found, arguments)
    return _exit(found)


def _line(outcome: Outcome) -> str:
    name = outcome.job.name
    if outcome.error:
        return f"ERROR    {name}: {outcome.error}"
    factor = outcome.figures()["realtime_factor"]
    if outcome.comparison is None:
        return f"replayed {name}, {factor} times real time"
    wrong = [t.name for t in outcome.comparison.topics if not t.passed]
    if not wrong:
        return f"same     {name}, {factor} times real time"
    many = "s" if len(wrong) > 1 else ""
    return f"CHANGED  {name}: {len(wrong)} topic{many}, first {outcome.comparison.origin}"


def _exit(found: Sequence[Outcome]) -> int:
    if any(outcome.error for outcome in found):
        return EXIT_FAILED
    return 0 if all(outcome.passed for outcome in found) else EXIT_DIFFERENT


def _figures(outcome: Outcome) -> dict[str, Any]:
    from lbp_rehab.compare.outcome import figures  # noqa: PLC0415

    result = outcome.figures()
    if outcome.comparison is not None:
        result["comparison"] = figures(outcome.comparison)
        result["made_differently"] = {k: list(v) for k, v in outcome.changes.items()}
    return result


def _junit(found: Sequence[Outcome], arguments: argparse.Namespace) -> None:
    from lbp_rehab.compare.outcome import write_junit  # noqa: PLC0415

    if arguments.junit is not None:
        suites = [(o.job.name, o.error or o.comparison) for o in found]
        write_junit(arguments.junit, [(name, what) for name, what in suites if what])


def _print(outcome: Outcome) -> None:
    result, job = outcome.replayed, outcome.job
    assert result is not None
    for warning in result.warnings:
        print(f"warning: {warning}")
    if outcome.comparison is None:
        for topic, digest in result.digests.items():
            print(f"{digest[:16]}  {result.sent[topic]:6}  {topic}")
    fed = sum(result.fed.values())
    factor = outcome.figures()["realtime_factor"]
    print(f"{fed} messages of {len(result.fed)} topics fed, {factor} times real time")
    if job.output is not None:
        print(f"what came out is in {job.output}")
    if outcome.comparison is not None:
        print_comparison(outcome)
    if job.page is not None and outcome.comparison is not None:
        print(f"page: {job.page}")


def print_comparison(outcome: Outcome) -> None:
    """Print what was made differently and what changed."""
    comparison = outcome.comparison
    assert comparison is not None
    for name, (old, new) in outcome.changes.items():
        print(f"made differently: {name}: {old} -> {new}")
    wrong = [t for t in comparison.topics if not t.passed]
    if not wrong:
        print(f"all {len(comparison.topics)} topics are as in the golden recording")
        return
    print(f"{len(wrong)} of {len(comparison.topics)} topics changed, first {comparison.origin}")
    for sentence in comparison.sentences:
        print(f"- {sentence}")
