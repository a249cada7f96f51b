"""Repetitions that others are compared with, and their file.

The file is JSON: ``{"format": "lbp_rehab/reference", "version": 1, "references": [...]}``. Each
reference has ``exercise``, ``side`` ("left", "right" or "none"), ``title``, ``duration_s``,
``joints`` (names), ``points`` (32 phases of joints of x, y, z in statures, null where unknown) and
``pelvis`` (32 phases of rotation about x, y, z and lumbar flexion in radians, null where unknown).
It holds the movement and not its embedding, so that it stays good when the network changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.errors import InputError
from lbp_rehab.matching.repetition import PHASES, Repetition
from lbp_rehab.recognition.frame import PELVIS_COLUMNS, Stretch
from lbp_rehab.recognition.observation import JOINTS

FORMAT, VERSION = "lbp_rehab/reference", 1
SIDES = ("left", "right", "none")
_DIGITS = 4  # a tenth of a millimetre or so
_NOMINAL_M = 1.7  # stature of a repetition from a file, in which lengths are statures


@dataclass(frozen=True)
class Reference:
    """A repetition to compare with.

    Attributes
    ----------
    exercise, side : str
        The side that works, one of `SIDES`.
    title : str
        Whose or which it is; no name of a patient.
    repetition : Repetition
    """

    exercise: str
    side: str
    title: str
    repetition: Repetition


class OwnBest:
    """The best repetition so far of one person, by exercise and side."""

    def __init__(self) -> None:
        self._best: dict[tuple[str, str], tuple[float, Reference]] = {}

    def offer(self, reference: Reference, score: float) -> bool:
        """Take a scored repetition; return whether it is the best now (the first of equals)."""
        key = (reference.exercise, reference.side)
        if key in self._best and score <= self._best[key][0]:
            return False
        self._best[key] = (score, reference)
        return True

    def get(self, exercise: str, side: str) -> Reference | None:
        """Return the best one, None if there was none yet."""
        found = self._best.get((exercise, side))
        return found[1] if found else None


def write_references(path: Path, references: Sequence[Reference]) -> None:
    """Write references into a file."""
    said = {
        "format": FORMAT,
        "version": VERSION,
        "references": [_said(reference) for reference in references],
    }
    path.write_text(json.dumps(said, allow_nan=False, separators=(",", ":")) + "\n")


def read_references(path: Path) -> list[Reference]:
    """Read the references of a file.

    Raises
    ------
    InputError
        If the file is missing, is no such file, or is of another version.
    """
    try:
        said = json.loads(path.read_text())
    except OSError:
        raise InputError(f"the reference file {path} cannot be read") from None
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise InputError(f'{path} is no reference file: its "format" must be "{FORMAT}"')
    if said.get("version") != VERSION:
        raise InputError(
            f"{path} has version {said.get('version')} of the format, this program reads "
            f"{VERSION}: record the reference again"
        )
    try:
        return [_reference(one) for one in said["references"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds a broken reference ({error}): record it again") from None


def _said(reference: Reference) -> dict[str, Any]:
    stretch = reference.repetition.stretch
    points = [
        [p.round(_DIGITS).tolist() if k else None for p, k in zip(row, known, strict=True)]
        for row, known in zip(stretch.points, stretch.known, strict=True)
    ]
    pelvis = [
        [round(float(v), _DIGITS) if k else None for v, k in zip(row, known, strict=True)]
        for row, known in zip(stretch.pelvis, stretch.pelvis_known, strict=True)
    ]
    return {
        "exercise": reference.exercise,
        "side": reference.side,
        "title": reference.title,
        "duration_s": round(reference.repetition.duration_s, 3),
        "joints": list(JOINTS),
        "points": points,
        "pelvis": pelvis,
    }


def _reference(said: dict[str, Any]) -> Reference:
    if tuple(said["joints"]) != JOINTS:
        raise ValueError("joints are not those of this version")
    if said["side"] not in SIDES:
        raise ValueError(f"side {said['side']!r}")
    known = np.array([[p is not None for p in row] for row in said["points"]])
    points = np.array([[p or (0.0, 0.0, 0.0) for p in row] for row in said["points"]], float)
    there = np.array([[v is not None for v in row] for row in said["pelvis"]])
    pelvis = np.array([[v or 0.0 for v in row] for row in said["pelvis"]], float)
    if points.shape != (PHASES, len(JOINTS), 3) or pelvis.shape != (PHASES, PELVIS_COLUMNS):
        raise ValueError("points or pelvis have the wrong size")
    duration_s = float(said["duration_s"])
    if not (duration_s > 0.0 and np.isfinite(points).all() and np.isfinite(pelvis).all()):
        raise ValueError("a number is out of range")
    stretch = Stretch(points, known, pelvis, there, _NOMINAL_M)
    return Reference(
        str(said["exercise"]), said["side"], str(said["title"]), Repetition(stretch, duration_s)
    )
