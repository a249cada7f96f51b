"""The options of a session that say what its nodes do; where their input is, a recording says."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

from lbp_rehab.bags.play import Selection
from lbp_rehab.graph import DEFAULTS, SessionOptions, option_help

OPTIONS = (
    "camera_topics", "subject", "gravity", "emg_channels", "mvc_file", "exercise",
    "exercise_folder", "no_recognition", "language", "person", "params", "namespace",
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options, and which part of the recording counts."""
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="from this second")
    parser.add_argument("--end", type=float, default=0.0, metavar="S", help="to this second")
    parser.add_argument("--exclude", nargs="+", default=[], metavar="REGEX", help="topics not fed")
    for name in OPTIONS:
        default, text = option_help()[name]
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, default=default, help=text)


def options(arguments: argparse.Namespace) -> SessionOptions:
    """Return the session's options."""
    chosen = {f.name: getattr(arguments, f.name) for f in fields(DEFAULTS) if f.name in OPTIONS}
    return replace(SessionOptions(), **chosen)


def changed(arguments: argparse.Namespace) -> list[str]:
    """Return the names of the options that were given."""
    return [name for name in OPTIONS if getattr(arguments, name) != getattr(DEFAULTS, name)]


def selection(arguments: argparse.Namespace) -> Selection:
    """Return which part of the recording counts."""
    return Selection(exclude=tuple(arguments.exclude), start_s=arguments.start, end_s=arguments.end)


def add_tolerance(parser: argparse.ArgumentParser) -> None:
    """Declare how far a result may be from the golden one."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--tolerance", type=Path, metavar="FILE", help="(default: config/tolerances.yaml)"
    )
    how.add_argument("--exact", action="store_true", help="no number may differ at all")
