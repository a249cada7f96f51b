"""``lbp-rehab bench``: figures of the live graph."""

from __future__ import annotations

import argparse
import importlib
import json

from lbp_rehab.commands.output import add_json, write_json

BENCHMARKS = {
    "transport": "RGB-D images from process to process: lost frames and latency",
    "latency": "camera stamp to pelvis/state through the whole graph, CPU and memory of each node",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare one sub-command a benchmark."""
    kinds = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, text in BENCHMARKS.items():
        sub = kinds.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        importlib.import_module(f"lbp_rehab.bench.{name}").add(sub)
        add_json(sub)


def main(arguments: argparse.Namespace) -> int:
    """Run one benchmark and print its figures."""
    module = importlib.import_module(f"lbp_rehab.bench.{arguments.benchmark}")
    figures = module.main(arguments)
    if arguments.json != "-":
        print(json.dumps(figures, indent=2))
    write_json(arguments.json, figures)
    return 0
