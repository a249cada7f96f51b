"""Figures as JSON, with stable keys, to a file or to the screen."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from lbp_rehab.errors import InputError


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json FILE``."""
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - for stdout")


def write_json(target: str | None, figures: dict[str, Any]) -> None:
    """Write the figures where ``--json`` says; nothing if it was not given."""
    if target is None:
        return
    text = json.dumps(figures, indent=2, sort_keys=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text)
    except OSError as error:
        raise InputError(f"cannot write '{target}': {error.strerror}") from None
