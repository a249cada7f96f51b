"""``lbp-rehab report``: a page of a recorded bag."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="folder of a recorded session")
    parser.add_argument("--out", type=Path, required=True, help="folder for the page")
    parser.add_argument("--voice", type=Path, help="folder of the spoken cues")


def main(arguments: argparse.Namespace) -> int:
    """Write the page and say what was written."""
    from lbp_rehab.report import load, write_page  # noqa: PLC0415

    for path in write_page(load(arguments.bag), arguments.out, arguments.voice):
        print(path)
    return 0
