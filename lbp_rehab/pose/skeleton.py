"""Keypoint names, bones and left-right pairs of the 33-point body.

Names follow REP-155's prefixes: ``l_`` and ``r_`` are the person's own sides. The order is that of
BlazePose (Bazarevsky et al. 2020), so that its output needs no permutation.
"""

from __future__ import annotations

from collections.abc import Sequence

NAMES: tuple[str, ...] = (
    "nose",
    "l_eye_inner", "l_eye", "l_eye_outer",
    "r_eye_inner", "r_eye", "r_eye_outer",
    "l_ear", "r_ear",
    "l_mouth", "r_mouth",
    "l_shoulder", "r_shoulder",
    "l_elbow", "r_elbow",
    "l_wrist", "r_wrist",
    "l_pinky", "r_pinky",
    "l_index", "r_index",
    "l_thumb", "r_thumb",
    "l_hip", "r_hip",
    "l_knee", "r_knee",
    "l_ankle", "r_ankle",
    "l_heel", "r_heel",
    "l_toe", "r_toe",
)  # fmt: skip

INDEX: dict[str, int] = {name: i for i, name in enumerate(NAMES)}

SHOULDERS = [INDEX["l_shoulder"], INDEX["r_shoulder"]]
HIPS = [INDEX["l_hip"], INDEX["r_hip"]]
TRUNK = SHOULDERS + HIPS

# Rigid segments whose length is the person's own. The first point is the nearer one to the trunk.
BONES: tuple[tuple[str, str], ...] = (
    ("l_shoulder", "r_shoulder"),
    ("l_hip", "r_hip"),
    ("l_shoulder", "l_elbow"), ("l_elbow", "l_wrist"),
    ("r_shoulder", "r_elbow"), ("r_elbow", "r_wrist"),
    ("l_hip", "l_knee"), ("l_knee", "l_ankle"),
    ("r_hip", "r_knee"), ("r_knee", "r_ankle"),
)  # fmt: skip

# What a picture or a marker shows.
DRAWN: tuple[tuple[str, str], ...] = (
    *BONES,
    ("l_shoulder", "l_hip"), ("r_shoulder", "r_hip"),
    ("l_ankle", "l_heel"), ("l_heel", "l_toe"), ("l_ankle", "l_toe"),
    ("r_ankle", "r_heel"), ("r_heel", "r_toe"), ("r_ankle", "r_toe"),
    ("l_wrist", "l_index"), ("r_wrist", "r_index"),
    ("nose", "l_ear"), ("nose", "r_ear"),
)  # fmt: skip


def mirror_order(names: Sequence[str]) -> list[int]:
    """Return the order of the points of a mirrored person."""
    swap = {"l_": "r_", "r_": "l_"}
    return [list(names).index(swap.get(n[:2], n[:2]) + n[2:]) for n in names]
