"""``lbp-rehab compare``: two recordings of the same, held against each other."""

from __future__ import annotations

import argparse
from pathlib import Path

from lbp_rehab.bags import BagReader
from lbp_rehab.commands import session_options
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.commands.replay import EXIT_DIFFERENT
from lbp_rehab.start import EXIT_INTERRUPTED, loading


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("golden", type=Path, help="the bag that is right")
    parser.add_argument("bag", type=Path, help="the bag to hold against it")
    session_options.add_tolerance(parser)
    parser.add_argument("--topics", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--recording", type=Path, metavar="BAG", help="that holds the images")
    parser.add_argument("--page", type=Path, metavar="FILE", help="HTML of what changed")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML of what changed")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Compare, and say what changed."""
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.compare import tolerance  # noqa: PLC0415
        from lbp_rehab.compare.comparison import compare  # noqa: PLC0415
        from lbp_rehab.compare.outcome import figures, write_junit  # noqa: PLC0415

    limits = tolerance.chosen(arguments.tolerance, arguments.exact)
    with BagReader(arguments.golden) as golden, BagReader(arguments.bag) as new:
        result = compare(golden, new, limits, topics=arguments.topics)
        if arguments.page is not None:
            from lbp_rehab.compare.page import write_page  # noqa: PLC0415 - draws: loads slowly

            with BagReader(arguments.recording or arguments.golden) as recording:
                write_page(
                    arguments.page, result, golden, new, tolerance=limits, recordings=[recording]
                )
    if arguments.junit is not None:
        write_junit(arguments.junit, [(result.new, result)])
    if arguments.json != "-":
        wrong = [t for t in result.topics if not t.passed]
        print(f"{len(wrong)} of {len(result.topics)} topics differ" + _first(result.origin))
        for sentence in result.sentences:
            print(f"- {sentence}")
    write_json(arguments.json, figures(result))
    return 0 if result.passed else EXIT_DIFFERENT


def _first(origin: str) -> str:
    return f", first {origin}" if origin else ""
