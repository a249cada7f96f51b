"""The page ``pose.md``: what ``lbp-rehab bench pose`` found, for an engineer of a lab."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.bench import plots
from lbp_rehab.bench.figures import Summary
from lbp_rehab.bench.metrics import POINTS
from lbp_rehab.bench.page import (
    INTERVALS,
    LEGEND,
    command,
    contact_sheet,
    group_tables,
    machine,
    number,
    ranged,
    sentence,
    table,
    ten_worst,
    worst_table,
    write_page,
)
from lbp_rehab.bench.pose import Pooled
from lbp_rehab.bench.records import CaseRecord

# Figure, what it is called, decimals, unit, whether a percentage.
HEADLINE = (
    ("answered_share", "points answered", 1, "", True),
    ("mpjpe_mm", "mean error (MPJPE)", 1, "mm", False),
    ("mpjpe_median_mm", "median error", 1, "mm", False),
    ("mpjpe_p95_mm", "95th percentile", 1, "mm", False),
    ("common_mpjpe_mm", "mean error where both answer", 1, "mm", False),
    ("root_mpjpe_mm", "mean error, mid-hip to mid-hip", 1, "mm", False),
    ("procrustes_mpjpe_mm", "mean error, best aligned", 1, "mm", False),
    ("pck50", "points within 50 mm", 1, "", True),
    ("pck100", "points within 100 mm", 1, "", True),
    ("pck150", "points within 150 mm", 1, "", True),
    ("pck_auc", "area under that curve, 0 to 150 mm", 3, "", False),
    ("ap50", "AP@0.5", 1, "", True),
    ("ap75", "AP@0.75", 1, "", True),
    ("missed", "frames in which the patient was missed", 0, "", False),
    ("false_detections", "answers that were not the patient", 0, "", False),
    ("bone_variation", "variation of a bone's length", 1, "", True),
    ("acceleration_error_mm_s2", "error of acceleration (jitter)", 0, "mm/s²", False),
    ("within_1_sigma", "truth within 1 sigma (68.3 % is honest)", 1, "", True),
    ("within_2_sigma", "truth within 2 sigma (95.4 % is honest)", 1, "", True),
    ("ms_per_frame_median", "time a frame, median", 1, "ms", False),
)


def headline(result: dict[str, Any]) -> list[str]:
    """Return the table of the main figures, ours beside the peer's."""
    rows = []
    for key, name, digits, unit, percent in HEADLINE:
        ours, peer = (
            ranged(result, k, digits, unit, percent) if k in result else ""
            for k in (key, f"naive_{key}")
        )
        if key == "mpjpe_mm":
            ours, peer = (
                f"{text}, {number(share, 0, percent=True)} answered"
                for text, share in (
                    (ours, result["answered_share"]), (peer, result["naive_answered_share"])
                )
            )  # fmt: skip
        if key.startswith("within"):
            ours += f", mean sigma {number(result['sigma_mean_mm'], 1, 'mm')}"
        rows.append([name, ours, peer])
    return table(["", "ours", "naive peer"], rows)


def write(
    folder: Path,
    records: Sequence[CaseRecord],
    result: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Write ``pose.md`` with its pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, naive = Pooled(records, "ours"), Pooled(records, "naive")
    _plot_errors(folder / "pose_errors.png", records, ours, naive)
    _plot_keypoints(folder / "pose_keypoints.png", result)
    _plot_calibration(folder / "pose_calibration.png", ours)
    chosen = ten_worst([(r.info, r.worst_pose) for r in records])
    if chosen:
        (folder / "pose_worst.jpg").write_bytes(contact_sheet(chosen, "mm", 0, pelvis=False))
    lines = [
        "# Pose on synthetic patients",
        "",
        f"{result['frames']} frames of {result['cases']} clips of continuous movement, each "
        "another synthetic person in another room, with the noise of a real depth camera. The "
        "truth is exact. The people, rooms and styles come from ranges that training never draws "
        "from. Synthetic people are not patients: the figures compare methods and find faults, "
        "and they do not promise the same error in a clinic. This page was written by the "
        "command:",
        "",
        *command("pose", arguments),
        f"Another `--seed` re-draws everything. Measured on {machine()}.",
        "",
        "## Headline",
        f"{INTERVALS} {result['cases']} clips.",
        "",
        *headline(result),
        *_meaning(result),
        "## By exercise, view and more",
        "Errors in mm.",
        "",
        *[line for name, some in group_tables(result) for line in _groups(name, some)],
        "## Errors",
        "![Share of points within an error, and spread by exercise](pose_errors.png)",
        "",
        "Left: the share of all points within an error; a curve ends below 1 by what is unknown. "
        "Right: the bar is the middle half, the line 5 to 95 %, the tick the median and the "
        "diamond the mean.",
        "",
        "![Mean error of each keypoint](pose_keypoints.png)",
        "",
        "## By how the camera saw the point",
        *_states(result["per_state"]),
        " ".join(
            [
                '"Covered" is under a blanket or behind something that is not the patient.',
                *sentence(
                    "Of the points there or outside the image that were unknown or off by more "
                    "than 100 mm, {} were unknown.",
                    result["unknown_when_wrong_share"],
                ),
            ]
        ),
        "",
        "## Are the sigmas honest?",
        "![Calibration](pose_calibration.png)",
        "",
        f"The mean sigma is {number(result['sigma_mean_mm'], 1, 'mm')} an axis; the root mean "
        f"square error of an axis is {number(result['axis_error_rms_mm'], 1, 'mm')}.",
        "",
        "## Bones",
        "Standard deviation over mean of the length of a bone within a clip, mean over clips. A "
        "bone is rigid, so this is error alone, and it can be measured on real recordings too.",
        "",
        *table(
            ["bone", "ours", "naive peer"],
            [
                [bone, number(row["variation"], 1, percent=True),
                 number(row["naive_variation"], 1, percent=True)]
                for bone, row in result["per_bone"].items()
            ],
        ),
        *_worst(chosen, sum(r.worst_pose is not None for r in records), len(records)),
    ]  # fmt: skip
    write_page(folder / "pose.md", lines)


def _meaning(result: dict[str, Any]) -> list[str]:
    return [
        "- **Points**: nose, ears, shoulders, elbows, wrists, hips, knees, ankles, heels and toes, "
        "19 in all, seen or not.",
        "- **Error**: distance in the camera's frame, nothing aligned, over the points that were "
        'answered. The peer answers fewer or other points, so the row "where both answer" is the '
        "fair comparison.",
        *_unknown(result),
        "- **AP**: COCO's average precision of the 17 COCO points, all of them in the image, "
        "covered ones too, with the pixels that show the patient as the area. Without the covered "
        f"ones it is {number(result['ap50_uncovered'], 1, percent=True)} and "
        f"{number(result['ap75_uncovered'], 1, percent=True)}. A therapist in the picture is no "
        "patient: an answer on her is false and the patient missed. A frame that shows the patient "
        "without one of the 17 points is not judged, as in COCO.",
        "- **Within sigma**: the truth lies inside the ellipsoid that should hold it 68.3 or "
        "95.4 % of the time (squared Mahalanobis distance below 3.53 and 8.02).",
        "- **Naive peer**: BlazePose on the whole image, followed as MediaPipe does, each landmark "
        "put at the median of 7x7 depth pixels. No choice of the patient, prior or smoothing.",
        "",
    ]


def _unknown(result: dict[str, Any]) -> list[str]:
    parts = [
        *sentence("{} of our unknown points were covered or outside the image.",
                  result["unknown_covered_share"]),
        *sentence("{} were in plain view, where an answer was due.",
                  result["unknown_seen_share"]),
        "An unknown point counts as not within 50 mm and the like.",
    ]  # fmt: skip
    return ["- **Unknown**: " + " ".join(parts)]


def _groups(name: str, groups: dict[str, Summary]) -> list[str]:
    head = [name, "clips", "frames", "answered", "naive answered", "MPJPE", "naive MPJPE",
            "median", "root", "AP@0.5", "AP@0.75", "within 1 sigma", "mean sigma"]  # fmt: skip
    rows = [
        [
            group, str(f["clips"]), str(f["frames"]),
            number(f["answered_share"], percent=True),
            number(f["naive_answered_share"], percent=True),
            ranged(f, "mpjpe_mm", 0), ranged(f, "naive_mpjpe_mm", 0),
            number(f["mpjpe_median_mm"]), number(f["root_mpjpe_mm"]),
            number(f["ap50"], percent=True), number(f["ap75"], percent=True),
            number(f["within_1_sigma"], 0, percent=True), number(f["sigma_mean_mm"]),
        ]
        for group, f in groups.items()
    ]  # fmt: skip
    return table(head, rows)


def _states(states: dict[str, Summary]) -> list[str]:
    head = ["the point is", "points", "mean error [mm]", "naive", "unknown", "naive unknown",
            "within 1 sigma", "within 2 sigma"]  # fmt: skip
    rows = [
        [
            name, str(f["points"]), number(f["mpjpe_mm"]), number(f["naive_mpjpe_mm"]),
            number(f["unknown_share"], percent=True),
            number(f["naive_unknown_share"], percent=True),
            number(f["within_1_sigma"], 0, percent=True),
            number(f["within_2_sigma"], 0, percent=True),
        ]
        for name, f in states.items()
    ]  # fmt: skip
    return table(head, rows)


def _worst(chosen: Sequence[Any], answered: int, clips: int) -> list[str]:
    if not chosen:
        return []
    return [
        "## The ten worst frames",
        "The worst frame of a clip by the mean error of its answered points, of the ten worst "
        f"clips. {answered} of {clips} clips had an answer. {LEGEND}",
        "",
        "![The ten worst frames](pose_worst.jpg)",
        "",
        *worst_table(chosen, "mm", 0),
    ]


def _plot_errors(path: Path, records: Sequence[CaseRecord], ours: Pooled, naive: Pooled) -> None:
    drawn, axes = plots.figure(1, 2, 10, 4.2)
    plots.shares(
        axes[0], ours.error_mm.ravel(), naive.error_mm.ravel(), most=300.0, unit="mm", of="points"
    )
    labels = np.concatenate([np.repeat(r.info.exercise, r.frames) for r in records])
    groups = [(str(n), ours.error_mm[labels == n].ravel()) for n in np.unique(labels)]
    plots.spreads(axes[1], groups, "mm", "ours by exercise")
    plots.save(drawn, path)


def _plot_keypoints(path: Path, result: dict[str, Any]) -> None:
    drawn, axes = plots.figure(1, 1, 8, 5.2)
    rows = result["per_keypoint"]

    def column(key: str) -> np.ndarray:
        return np.array([rows[p][key] if rows[p][key] is not None else np.nan for p in POINTS])

    plots.bars(axes[0], POINTS, column("mpjpe_mm"), column("naive_mpjpe_mm"), "mm")
    plots.save(drawn, path)


def _plot_calibration(path: Path, ours: Pooled) -> None:
    drawn, axes = plots.figure(1, 2, 9, 4)
    plots.calibration(axes[0], ours.squared(), 3)
    sigma = error = np.zeros(0)
    if ours.covariance is not None:
        trace = np.trace(ours.covariance[ours.known], axis1=1, axis2=2)
        sigma = 1000.0 * np.sqrt(trace / 3.0)
        error = ours.error_mm[ours.known] / np.sqrt(3.0)
    plots.sharpness(axes[1], sigma, error, "mm an axis")
    plots.save(drawn, path)
