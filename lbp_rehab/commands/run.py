"""``lbp-rehab run``: the graph, one supervised process a node, or composed."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import fields
from pathlib import Path

from lbp_rehab.graph import SessionOptions, option_help, session_graph
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.runner import Supervisor, run_composed


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options: those of `SessionOptions`, and how to run."""
    for name, (default, text) in option_help().items():
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            shown = f"{text} (default: {default})" if default != "" else text
            parser.add_argument(flag, type=type(default), default=default, help=shown)
    parser.add_argument(
        "--composed", action="store_true", help="all nodes in one process instead of one each"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print each node's command line and start nothing"
    )


def options_from(arguments: argparse.Namespace) -> SessionOptions:
    """Return the session options of parsed arguments."""
    return SessionOptions(**{f.name: getattr(arguments, f.name) for f in fields(SessionOptions)})


def main(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C, or until the played bag is over."""
    options = options_from(arguments)
    specs = session_graph(options)
    if options.exercise:  # the sentence comes at once, not from a node's log
        folder = options.exercise_folder
        load_exercise(options.exercise, Path(folder).expanduser() if folder else None)
    if arguments.dry_run:
        for spec in specs:
            print(shlex.join(spec.command()))
        return 0
    if arguments.composed:
        return run_composed(specs)
    print(f"starting {', '.join(spec.name for spec in specs)}; Ctrl-C ends", file=sys.stderr)
    supervisor = Supervisor(specs)
    supervisor.start()
    code = supervisor.run()
    if options.record and Path(options.record).exists():
        print(f"recorded to {options.record}", file=sys.stderr)
    return code
