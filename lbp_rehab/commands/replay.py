"""``lbp-rehab replay``: a recording through the graph in lockstep, to the same bytes each time."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.play import Selection, select
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.graph import DEFAULTS, SessionOptions, option_help
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.start import EXIT_INTERRUPTED, loading

if TYPE_CHECKING:
    from lbp_rehab.replay.lockstep import Replayed
    from lbp_rehab.replay.world import Sent

# Those of `SessionOptions` that say what the nodes do; where their input is, the bag says.
OPTIONS = (
    "camera_topics", "subject", "gravity", "emg_channels", "mvc_file", "exercise",
    "exercise_folder", "no_recognition", "language", "person", "params", "namespace",
)  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="folder of the bag, or its .mcap or .db3 file")
    parser.add_argument("--output", type=Path, metavar="DIR", help="bag of what the nodes publish")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="from this second")
    parser.add_argument("--end", type=float, default=0.0, metavar="S", help="to this second")
    parser.add_argument("--exclude", nargs="+", default=[], metavar="REGEX", help="topics not fed")
    parser.add_argument(
        "--jobs", type=int, choices=(1, 2), default=min(2, os.cpu_count() or 1),
        help="processes; the result is the same (default: %(default)s)",
    )  # fmt: skip
    for name in OPTIONS:
        default, text = option_help()[name]
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, default=default, help=text)
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Replay, and say what came out."""
    chosen = {f.name: getattr(arguments, f.name) for f in fields(DEFAULTS) if f.name in OPTIONS}
    options = replace(SessionOptions(), **chosen)
    selection = Selection(
        exclude=tuple(arguments.exclude), start_s=arguments.start, end_s=arguments.end
    )
    with BagReader(arguments.bag) as bag:
        topics = {output.name for output in select(bag.topics, selection)}
        with loading(EXIT_INTERRUPTED):
            from lbp_rehab.replay.lockstep import replay  # noqa: PLC0415
            from lbp_rehab.replay.session import parts  # noqa: PLC0415

            nodes = parts(topics, options, arguments.bag)
        writer = BagWriter(arguments.output) if arguments.output else None
        length_s = (bag.end_ns - bag.start_ns) / NANOSECONDS
        begin_s = first_s = time.perf_counter()
        try:
            with tqdm(total=round(length_s, 1), unit="s", desc="replay", delay=2.0) as bar:

                def progress(now_ns: int) -> None:
                    nonlocal first_s
                    if first_s == begin_s:
                        first_s = time.perf_counter()
                    bar.update((now_ns - bag.start_ns) / NANOSECONDS - bar.n)

                def keep(sent: Sent) -> None:
                    if writer is not None:
                        _write(writer, sent)

                ahead = arguments.jobs > 1 and len(nodes) > 1
                result = replay(bag, nodes, keep, selection, progress, ahead=ahead)
        finally:
            if writer is not None:
                writer.close()
    took_s = time.perf_counter() - begin_s
    figures = _figures(result, [part.kind.__name__ for part in nodes], took_s, first_s - begin_s)
    if arguments.json != "-":
        _print(result, figures["realtime_factor"], arguments.output)
    write_json(arguments.json, figures)
    return 0


def _write(writer: BagWriter, sent: Sent) -> None:
    if sent.topic not in writer.topics:
        found = installed(sent.type)
        writer.add_topic(Topic(sent.topic, sent.type, found.text, found.encoding, found.type_hash))
    writer.write(sent.topic, sent.data, sent.time_ns)


def _figures(
    result: Replayed, nodes: list[str], took_s: float, startup_s: float
) -> dict[str, object]:
    length_s = (result.end_ns - result.start_ns) / NANOSECONDS
    return {
        "nodes": nodes,
        "recording_s": round(length_s, 3),
        "took_s": round(took_s, 3),
        "startup_s": round(startup_s, 3),  # of it, until the first message was worked off
        "realtime_factor": round(length_s / took_s, 2),
        "fed": result.fed,
        "sent": result.sent,
        "sha256": result.digests,
        "warnings": list(result.warnings),
    }


def _print(result: Replayed, factor: object, output: Path | None) -> None:
    for warning in result.warnings:
        print(f"warning: {warning}")
    for topic, digest in result.digests.items():
        print(f"{digest[:16]}  {result.sent[topic]:6}  {topic}")
    fed = sum(result.fed.values())
    print(f"{fed} messages of {len(result.fed)} topics fed, {factor} times real time")
    if output is not None:
        print(f"what came out is in {output}")
