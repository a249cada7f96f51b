"""How fast a recording goes through the graph in lockstep, and whether every run is the same."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection, select
from lbp_rehab.errors import InputError
from lbp_rehab.graph import SessionOptions
from lbp_rehab.replay.lockstep import Part, replay
from lbp_rehab.replay.session import parts

# All that would let a library count on more cores.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip
BURN = "while True: pass"


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Make the recordings, replay them, and return the figures.

    Returns
    -------
    dict
        realtime_factor_raw, realtime_factor_poses (seconds of recording by seconds of replaying,
        both of all recordings together, from the first message on), the same with ``_with_startup``
        from the start of the process on, identical_runs, runs, load_before (processes that kept the
        machine busy, mean of a minute), and the single recordings:
        messages, recording_s, took_s, startup_s, stages_ms (of one process, by message).
    """
    from lbp_rehab.bench.replay_inputs import make  # noqa: PLC0415  (needs the extra)

    raw, poses = make(folder)
    figures: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 1)}
    for name, bags in (("raw", raw), ("poses", poses)):
        found = {exercise: _timed(bag, exercise) for exercise, bag in bags.items()}
        recording_s = sum(f["recording_s"] for f in found.values())
        took_s = sum(f["took_s"] for f in found.values())
        startup_s = sum(f["startup_s"] for f in found.values())
        figures[f"realtime_factor_{name}"] = round(recording_s / took_s, 2)
        figures[f"realtime_factor_{name}_with_startup"] = round(
            recording_s / (took_s + startup_s), 2
        )
        for exercise, bag in bags.items():
            found[exercise]["stages_ms"] = stages_ms(bag, exercise)
        figures[name] = found
    digests = [_digests(raw, k) for k in range(runs)]
    figures["identical_runs"] = sum(d == digests[0] for d in digests)
    figures["runs"] = runs
    figures["topics_compared"] = sum(len(of_bag) for of_bag in digests[0].values()) if runs else 0
    return figures


def _timed(bag: Path, exercise: str) -> dict[str, Any]:
    """Replay in a process of its own, as a user does."""
    begin_s = time.perf_counter()
    said = _replayed(bag, exercise, [], os.environ)
    whole_s = time.perf_counter() - begin_s
    took_s = said["took_s"] - said["startup_s"]
    return {
        "messages": sum(said["fed"].values()),
        "recording_s": said["recording_s"],
        "took_s": round(took_s, 3),
        "startup_s": round(whole_s - took_s, 3),
    }


def _digests(bags: dict[str, Path], run: int) -> dict[str, dict[str, str]]:
    """Return the sums of each recording's topics in a run, none of which is like the one before."""
    threads = str(1 + run % 2)
    environment = {**os.environ, **dict.fromkeys(THREADS, threads), "PYTHONHASHSEED": str(run)}
    jobs = str(1 + run // 2 % 2)
    with _burning(run % 3 == 2):
        return {
            exercise: _replayed(bag, exercise, ["--jobs", jobs], environment)["sha256"]
            for exercise, bag in bags.items()
        }


def _replayed(bag: Path, exercise: str, options: Sequence[str], environment: Any) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "lbp_rehab.cli", "replay", str(bag), "--exercise", exercise,
        "--json", "-", *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, env=environment, check=False, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise InputError(f"the replay of '{bag}' failed: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


@contextmanager
def _burning(wanted: bool) -> Any:
    """Keep a core busy beside the run."""
    if not wanted:
        yield
        return
    burner = subprocess.Popen([sys.executable, "-c", BURN])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


def stages_ms(bag: Path, exercise: str) -> dict[str, float]:
    """Return the CPU time of each node's callbacks and of all else, in one process.

    Milliseconds by pose; ``bag and messages`` is reading, deserialising and summing.
    """
    spent: dict[str, float] = {}
    with BagReader(bag) as reader:
        topics = {output.name for output in select(reader.topics, Selection())}
        chosen = [
            Part(_watched(part.kind, spent), part.arguments)
            for part in parts(topics, SessionOptions(exercise=exercise), bag)
        ]
        begin_s = 0.0

        def begin(_: int) -> None:
            nonlocal begin_s
            if not begin_s:
                begin_s = time.process_time()
                spent.clear()

        result = replay(reader, chosen, progress=begin)
        whole_s = time.process_time() - begin_s
    n = result.sent.get("/body/pose") or result.fed["/body/pose"]
    rest = {"bag and messages": whole_s - sum(spent.values())}
    return {name: round(1e3 * s / n, 3) for name, s in (spent | rest).items()}


def _watched(kind: type, spent: dict[str, float]) -> type:
    """Return a node's class that notes how long its callbacks take."""

    def guard(self: Any, topic: str, handler: Callable[..., None]) -> Callable[..., None]:
        def watched(*messages: Any) -> None:
            begin_s = time.process_time()
            try:
                handler(*messages)
            finally:
                took_s = time.process_time() - begin_s
                spent[self.NAME] = spent.get(self.NAME, 0.0) + took_s

        return kind.guard(self, topic, watched)  # type: ignore[attr-defined]

    return type(kind.__name__, (kind,), {"guard": guard, "__module__": kind.__module__})


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    from lbp_rehab.bench import replay_page  # noqa: PLC0415
    from lbp_rehab.synthetic.person.makehuman import require_extra  # noqa: PLC0415

    if arguments.runs < 0:
        raise InputError("--runs must be 0 or more")
    require_extra()
    if arguments.page:
        arguments.page.mkdir(parents=True, exist_ok=True)
    figures = measure(arguments.inputs, arguments.runs)
    if arguments.page:
        replay_page.write(arguments.page, figures)
    return figures
