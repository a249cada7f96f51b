"""Options of the benchmarks, apart so that no command waits for the rest to be imported."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from lbp_rehab.errors import InputError

FRAMES, SETS, RECORDINGS, PEER_RECORDINGS, JOBS = 5616, 104, 52, 4, 2
REPLAY_RUNS, DAMAGED_BAGS = 10, 2000
ON_CASES = ("pose", "pelvis", "emg", "quality")


def add(benchmark: str, parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lbp-rehab bench BENCHMARK``."""
    if benchmark not in ON_CASES:
        _OTHERS[benchmark](parser)
        return
    parser.add_argument("--seed", type=int, default=0, help="another one re-draws everything")
    if benchmark == "emg":
        parser.add_argument("--recordings", type=int, default=RECORDINGS, help="about so many")
        parser.add_argument(
            "--peer-recordings", type=int, default=PEER_RECORDINGS,
            help="the first ones, which go through NeuroKit2 too; it is slow",
        )  # fmt: skip
    elif benchmark == "quality":
        parser.add_argument("--sets", type=int, default=SETS, help="of an exercise, so many in all")
        parser.add_argument(
            "--any-view", action="store_true",
            help="put the camera anywhere, not where the exercise's file advises",
        )  # fmt: skip
    else:
        parser.add_argument("--frames", type=int, default=FRAMES, help="about so many")
    parser.add_argument("--jobs", type=int, default=JOBS, help="worker processes")
    parser.add_argument("--page", type=Path, metavar="FOLDER", help="write a page with plots there")


def _transport(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)


def _latency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second")
    parser.add_argument(
        "--camera", default="", help="a recorded camera (default: the sample recording)"
    )
    parser.add_argument("--emg", default="none", help="an sEMG source beside it")
    parser.add_argument("--subject", default="", help="who the patient is")
    parser.add_argument("--record", action="store_true", help="record everything meanwhile")


def _real(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a camera source such as folder:PATH or bag:PATH")
    parser.add_argument("--photos", action="store_true", help="the folder holds single photographs")
    parser.add_argument("--subject", default="nearest", help="who the patient is")
    parser.add_argument("--gravity", default="auto", help="auto, overhead, or x,y,z")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write a picture of the answers")


def _emg_stream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=30.0, help="images a second")
    parser.add_argument(
        "--camera", default="", help="a recorded camera, or none (default: the sample recording)"
    )


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=REPLAY_RUNS, help="whose results are compared")
    parser.add_argument(
        "--inputs", type=Path, metavar="FOLDER",
        default=Path(tempfile.gettempdir()) / "lbp_rehab_bench_replay",
        help="keeps the recordings, about 2 GB (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--page", type=Path, metavar="FOLDER", help="write a page there")


def _damage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bags", type=int, default=DAMAGED_BAGS, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=1, help="of the damage (default: 1)")


_OTHERS = {
    "damage": _damage,
    "transport": _transport,
    "latency": _latency,
    "real": _real,
    "emg-stream": _emg_stream,
    "replay": _replay,
}


def check(arguments: argparse.Namespace, amount: int) -> None:
    """Raise InputError for options that make no sense, and make the folder of the page."""
    if arguments.seed < 0:
        raise InputError(f"--seed is {arguments.seed}; it must be 0 or more")
    if getattr(arguments, "peer_recordings", 0) < 0:
        raise InputError("--peer-recordings must be 0 or more")
    if arguments.jobs < 1 or amount < 1:
        raise InputError("ask for 1 or more frames, recordings and jobs")
    if getattr(arguments, "page", None):
        _make(arguments.page)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "there is a file" if isinstance(error, FileExistsError) else error.strerror
        raise InputError(f"cannot make the folder '{folder}' for the page: {why}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write into the folder '{folder}' of --page; choose another one")
