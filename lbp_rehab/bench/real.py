"""``lbp-rehab bench real``: what can be told of real recordings, for which there is no truth.

A bone is rigid: how much its length varies is error alone. Whoever the rule names must be followed
in every frame. A skeleton whose shoulders fell together is wrong and must not pass as measured.
Any source of the camera driver will do; ``--photos`` takes a folder of single photographs instead.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import metrics
from lbp_rehab.bench.figures import rounded
from lbp_rehab.bench.naive import NaivePoseEstimator
from lbp_rehab.camera.sources import CameraSource, Shot, SourceSettings, open_source
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.pose.estimator import PoseEstimator, PoseSettings
from lbp_rehab.pose.overlay import draw
from lbp_rehab.pose.skeleton import BONES, INDEX, TRUNK
from lbp_rehab.pose.subject import SubjectRule
from lbp_rehab.pose.support import GravityRule
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.stamps import NANOSECONDS

MAX_FRAMES = 3000
COLLAPSED = 0.35  # of the trunk's length: no adult's shoulders are so narrow
PHOTO_TRIES = 36  # frames of a still photograph: the estimator may look again
ENLARGED = 3  # times, of photographs
SHEET_PX, SHEET_COLUMNS = 420, 5


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the estimator over a recording, or over photographs."""
    settings = PoseSettings(
        subject=SubjectRule.parse(arguments.subject), gravity=GravityRule.parse(arguments.gravity)
    )
    source = open_source(arguments.source, SourceSettings())
    if source is None:
        raise InputError("'none' is no recording; give a source such as folder:PATH")
    if arguments.sheet:
        _check_sheet(arguments.sheet)
    taken = _Taken(arguments.source)
    look = _photos if arguments.photos else _recording
    try:
        figures, pictures = look(taken.of(source), settings)
    finally:
        source.close()
    if arguments.sheet:
        _write_sheet(arguments.sheet, pictures)
    return {"source": source.name, **figures, "unusable_frames": taken.bad}


class _Taken:
    """The usable frames of a source one by one, and how many were none."""

    def __init__(self, text: str) -> None:
        self.text, self.good, self.bad = text, 0, 0

    def of(self, source: CameraSource) -> Iterator[Shot]:
        why = ""
        for shot in islice(source.shots(), MAX_FRAMES):
            if shot.bad:
                why = why or shot.bad
                self.bad += 1
            else:
                self.good += 1
                yield shot
        if not self.good:
            raise InputError(f"no frame of '{self.text}' can be used: {why or 'it has none'}")


def collapsed(pose: BodyPose) -> bool:
    """Whether the shoulders of a pose fell together in the image."""
    l_sho, r_sho, l_hip, r_hip = pose.pixel[TRUNK]
    trunk = np.linalg.norm((l_sho + r_sho) / 2.0 - (l_hip + r_hip) / 2.0)
    return bool(np.linalg.norm(l_sho - r_sho) < COLLAPSED * trunk)


def _recording(
    shots: Iterator[Shot], settings: PoseSettings
) -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    ours, naive = PoseEstimator(settings), NaivePoseEstimator()
    poses, peers, took, pictures = [], [], [], []
    apart = 1
    for k, shot in enumerate(shots):
        frame = _frame(
            shot, shot.offset_ns if shot.offset_ns is not None else k * NANOSECONDS // 30
        )
        begin = time.perf_counter()
        poses.append(ours.update(frame))
        took.append(1000.0 * (time.perf_counter() - begin))
        peers.append(naive.update(frame))
        if k % apart == 0:
            pictures.append(draw(shot.color, poses[-1], f"frame {k}"))
            if len(pictures) == 4 * SHEET_COLUMNS:  # of how many frames nobody knows yet
                pictures, apart = pictures[::2], 2 * apart
    position = np.array([p.position for p in poses])
    known = np.array([p.status != Status.UNKNOWN for p in poses])
    peer_position = np.array([p.position for p in peers])
    peer_known = np.array([p.known for p in peers])
    bones = {}
    for a, b in BONES:
        ends = [INDEX[a], INDEX[b]]
        bones[f"{a} to {b}"] = {
            "variation": _variation(position[:, ends], known[:, ends]),
            "naive_variation": _variation(peer_position[:, ends], peer_known[:, ends]),
            "answered_share": rounded(float(known[:, ends].all(axis=1).mean()), 4),
        }
    return {
        "frames": len(poses),
        "answered_frames": int((known.sum(axis=1) > 0).sum()),
        "tracks": len({p.track_id for p in poses if p.track_id}),
        "answered_share": rounded(float(known.mean()), 4),
        "worst_bone_variation": max(
            (v["variation"] for v in bones.values() if v["variation"] is not None), default=None
        ),
        "ms_per_frame_median": rounded(float(np.median(took)), 2),
        "bones": bones,
    }, pictures


def _photos(
    shots: Iterator[Shot], settings: PoseSettings
) -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    unsolved, passed, pictures = [], [], []
    k = -1
    for k, shot in enumerate(shots):
        estimator = PoseEstimator(settings)
        large = cv2.resize(
            shot.color, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC
        )
        color = np.asarray(large, np.uint8)
        height, width = color.shape[:2]
        camera = Intrinsics.from_field_of_view(width, height, np.deg2rad(60.0))
        for n in range(PHOTO_TRIES):
            stamp = n * NANOSECONDS // 30  # for longer than the estimator waits for depth
            pose = estimator.update(RgbdFrame(stamp, "camera", color, None, camera))
        known = pose.status != Status.UNKNOWN
        if not known[TRUNK].all():
            unsolved.append(k)
        elif collapsed(pose):
            passed.append(k)
        pictures.append(draw(color, pose, f"{k}"))
    return {
        "photographs": k + 1,
        "unsolved": unsolved,
        "collapsed_passed": passed,
    }, pictures


def _frame(shot: Shot, stamp_ns: int) -> RgbdFrame:
    return RgbdFrame(stamp_ns, "camera", shot.color, shot.depth, shot.intrinsics)


def _variation(position: NDArray[np.float64], known: NDArray[np.bool_]) -> float | None:
    value = metrics.bone_variation(position, known)
    return None if value is None else rounded(value, 4)


def _check_sheet(path: Path) -> None:
    """Raise InputError where no picture can be written, before the work is done."""
    if not path.parent.is_dir() or not cv2.haveImageWriter(path.name):
        raise InputError(f"--sheet '{path}' cannot be written; choose another file")


def _write_sheet(path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    """Write pictures side by side."""
    tiles = []
    for picture in pictures:
        k = SHEET_PX / picture.shape[0]
        tiles.append(cv2.resize(picture, None, fx=k, fy=k, interpolation=cv2.INTER_AREA))
    width = max(t.shape[1] for t in tiles)
    tiles = [cv2.copyMakeBorder(t, 0, 0, 0, width - t.shape[1], cv2.BORDER_CONSTANT) for t in tiles]
    while len(tiles) % SHEET_COLUMNS:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.hstack(tiles[k : k + SHEET_COLUMNS]) for k in range(0, len(tiles), SHEET_COLUMNS)]
    if not cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(rows)[:, :, ::-1])):
        raise InputError(f"--sheet '{path}' cannot be written; choose another file")
