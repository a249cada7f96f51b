"""Options of the benchmarks on synthetic patients, apart so that no command waits for the rest."""

from __future__ import annotations

import argparse
from pathlib import Path

from lbp_rehab.errors import InputError

FRAMES, RECORDINGS, JOBS = 3000, 24, 2
ON_CASES = ("pose", "pelvis", "emg", "quality")
WITH_PAGE = ("pose", "pelvis")


def add(benchmark: str, parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lbp-rehab bench BENCHMARK``."""
    parser.add_argument("--seed", type=int, default=0, help="another one re-draws everything")
    if benchmark == "emg":
        parser.add_argument("--recordings", type=int, default=RECORDINGS, help="about so many")
    else:
        parser.add_argument("--frames", type=int, default=FRAMES, help="about so many")
    parser.add_argument("--jobs", type=int, default=JOBS, help="worker processes")
    if benchmark in WITH_PAGE:
        parser.add_argument(
            "--page", type=Path, metavar="FOLDER", help="write a page with plots there"
        )


def check(arguments: argparse.Namespace, amount: int) -> None:
    """Raise InputError for options that make no sense."""
    if arguments.seed < 0:
        raise InputError(f"--seed is {arguments.seed}; it must be 0 or more")
    if arguments.jobs < 1 or amount < 1:
        raise InputError("ask for 1 or more frames, recordings and jobs")
