"""``lbp-rehab bench``: figures of the live graph, and of the estimators on synthetic patients."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from types import ModuleType

from lbp_rehab.bench import options
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError

BENCHMARKS = {
    "transport": "RGB-D images from process to process: lost frames and latency",
    "replay": "recordings through the graph in lockstep: how fast, and whether runs are the same",
    "latency": "camera stamp to pelvis/state through the whole graph, CPU and memory of each node",
    "pose": "3D keypoints on synthetic patients against exact truth, beside a naive peer",
    "pelvis": "pelvic and lumbar angles on synthetic patients against exact truth",
    "real": "a real recording without truth: who is followed, and how much bones vary",
    "emg": "envelopes, onsets, fatigue and faulty channels of synthetic sEMG, beside its peers",
    "emg-stream": "12 channels at 2 kHz over LSL beside the camera graph: lost samples and latency",
    "damage": "damaged bags: what of them is recovered, and whether what is lost is said",
    "quality": "repetitions, faults and scores from images of synthetic patients",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare one sub-command a benchmark."""
    kinds = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, text in BENCHMARKS.items():
        sub = kinds.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        options.add(name, sub)
        add_json(sub)


def main(arguments: argparse.Namespace) -> int:
    """Run one benchmark and print its figures."""
    _check_json(arguments.json)
    module = _module(arguments.benchmark)
    figures = module.main(arguments)
    if arguments.json != "-":
        # A benchmark of hundreds of figures has a headline; the rest is in the JSON and the page.
        headline = getattr(module, "text", None)
        print(headline(figures) if headline else json.dumps(figures, indent=2))
    write_json(arguments.json, figures)
    return 0


def _module(benchmark: str) -> ModuleType:
    return importlib.import_module(f"lbp_rehab.bench.{benchmark.replace('-', '_')}")


def _check_json(target: str | None) -> None:
    """Raise InputError now for a file that could not be written after minutes of measuring."""
    if target is None or target == "-":
        return
    path = Path(target)
    if path.is_dir():
        raise InputError(f"--json '{target}' is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"--json '{target}': there is no folder '{path.parent}'; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"--json '{target}' cannot be written; choose another file")
