"""``lbp-rehab info``: what a bag holds; with ``--recover`` a torn one is written anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from lbp_rehab.bags import recover, summary
from lbp_rehab.commands.output import add_json, write_json


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="folder of the bag, or its .mcap or .db3 file")
    parser.add_argument(
        "--recover", type=Path, metavar="NEW", help="write what can be read to a new, whole bag"
    )
    parser.add_argument(
        "--check", action="store_true", help="read all messages, which finds all damage"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Print the summary."""
    warnings: tuple[str, ...] = ()
    if arguments.recover:
        warnings = recover(arguments.bag, arguments.recover).warnings
    found = summary(arguments.recover or arguments.bag, arguments.check)
    warnings += found.warnings
    if arguments.json != "-":
        print(
            f"{found.path}: {found.message_count} messages, {found.duration_s:.1f} s, "
            f"{found.size_bytes / 1e6:.1f} MB"
        )
        for topic in found.topics:
            print(f"  {topic.name:48} {topic.type:42} {topic.count:7}")
        for warning in warnings:
            print(f"  warning: {warning}")
    figures = {
        "path": str(found.path),
        "messages": found.message_count,
        "duration_s": found.duration_s,
        "size_bytes": found.size_bytes,
        "topics": [{"name": t.name, "type": t.type, "count": t.count} for t in found.topics],
        "warnings": list(warnings),
    }
    write_json(arguments.json, figures)
    return 0
