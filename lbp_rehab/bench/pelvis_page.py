"""The page ``pelvis.md``: what ``lbp-rehab bench pelvis`` found, for an engineer of a lab."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.bench import plots
from lbp_rehab.bench.angles import follow
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.figures import Summary
from lbp_rehab.bench.page import (
    command,
    contact_sheet,
    machine,
    number,
    sentence,
    table,
    ten_worst,
    worst_table,
    write_page,
)
from lbp_rehab.bench.pelvis import TILT, absolute_errors, tracks
from lbp_rehab.bench.records import ANGLES, CaseRecord

_COLUMNS = 4


def headline(result: dict[str, Any]) -> list[str]:
    """Return the table of the main figures, ours beside the peer's."""
    rows = []
    for suffix, zero in (("", "to gravity"), ("_relative", "to neutral")):
        for name in ANGLES:
            key = f"{name}{suffix}"
            text = name.replace("_", " ")
            # Lumbar flexion is that of the thorax to the pelvis; gravity has no part in it.
            against = "" if name == "lumbar_flexion" and not suffix else f" {zero}"
            rows.append([f"{text}{against}", *_sizes(result, key)])
    rows.append(_both(result, "slope of tilt against the truth (1 is right)", "tilt_slope", 2))
    rows.append(_both(result, "correlation of tilt", "tilt_correlation", 2))
    rows.append(_both(result, "range of tilt, mean error", "tilt_range_mae_deg", 1))
    rows.append(_both(result, "range of tilt, bias", "tilt_range_bias_deg", 1))
    rows.append(_both(result, "unknown", "unknown_share", 1, percent=True))
    rows.append(["truth within 1 sigma (68.3 % is honest)",
                 number(result["within_1_sigma"], 1, percent=True), "", "", ""])  # fmt: skip
    rows.append(["truth within 2 sigma (95.4 % is honest)",
                 number(result["within_2_sigma"], 1, percent=True), "", "", ""])  # fmt: skip
    rows.append(["time a frame, median",
                 number(result["ms_per_frame_median"], 2, "ms"), "", "", ""])  # fmt: skip
    return table(["", "ours", "naive peer", "ours, median", "ours, largest"], rows)


def _sizes(result: dict[str, Any], key: str) -> list[str]:
    return [
        number(result[f"{key}_mae_deg"], 1, "deg"),
        number(result.get(f"naive_{key}_mae_deg"), 1, "deg"),
        number(result[f"{key}_median_deg"], 1, "deg"),
        number(result[f"{key}_max_deg"], 1, "deg"),
    ]


def _both(
    result: dict[str, Any], name: str, key: str, digits: int, percent: bool = False
) -> list[str]:
    unit = "deg" if key.endswith("_deg") else ""
    values = (result[key], result[f"naive_{key}"])
    return [name, *(number(v, digits, unit, percent) for v in values), "", ""]


def write(
    folder: Path,
    records: Sequence[CaseRecord],
    result: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Write ``pelvis.md`` with its pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _plot_tilt(folder / "pelvis_tilt.png", records)
    _plot_errors(folder / "pelvis_errors.png", records)
    chosen = ten_worst([(r.info, r.worst_tilt) for r in records])
    if chosen:
        (folder / "pelvis_worst.jpg").write_bytes(contact_sheet(chosen, "deg", 1, pelvis=True))
    lines = [
        "# Pelvis on synthetic patients",
        "",
        f"{result['frames']} frames of {result['cases']} clips, the same as in "
        "[pose.md](pose.md): each clip begins with a rest in which the neutral is calibrated, then "
        "moves. The pose estimator feeds the pelvis estimator as in the running graph. This page "
        "was written by the command:",
        "",
        *command("pelvis", arguments),
        f"Measured on {machine()}.",
        "",
        "## Headline",
        "Mean absolute error, and what it is worth.",
        "",
        *headline(result),
        *_meaning(result),
        "## Tilt follows the truth?",
        "![Estimated against true tilt, by exercise](pelvis_tilt.png)",
        "",
        "Tilt relative to neutral in degrees, the truth across, the estimate up. On the dotted "
        "line the estimate is right; a flatter cloud means that range of motion is under-read.",
        "",
        "## By exercise, view and condition",
        "Mean absolute errors in degrees; tilt, obliquity and rotation to gravity.",
        "",
        *_groups("exercise", result["per_exercise"]),
        *_groups("view", result["per_view"]),
        *_groups("condition", result["per_condition"]),
        "## Errors and sigmas",
        "![Distribution of errors and calibration](pelvis_errors.png)",
        "",
        f"The mean sigma given is {number(result['sigma_mean_deg'], 1, 'deg')}.",
        "",
    ]
    if chosen:
        lines += [
            "## The ten worst frames",
            "The worst frame of a clip by the error of the tilt to gravity, of the ten worst "
            "clips. Green is the truth, red with dots the estimate; the two short lines at the "
            "hips are the pelvis's anterior and cranial axes. Beside each picture the same from "
            "the side, the camera at the left.",
            "",
            "![The ten worst frames](pelvis_worst.jpg)",
            "",
            *worst_table(chosen, "deg", 1),
        ]
    write_page(folder / "pelvis.md", lines)


def _meaning(result: dict[str, Any]) -> list[str]:
    return [
        "- **To gravity** is the angle against the vertical (rotation: against the camera). **To "
        "neutral** is against the patient's own rest, over the frames after it; "
        f"{result['cases_without_neutral']} of {result['cases']} clips got no neutral and stay "
        "unknown there.",
        "- **Slope and correlation**: ordinary least squares of the estimate on the truth, within "
        "clips after each clip's mean is taken off; the truth is exact, so all error is the "
        "estimate's. A clip of less than 2 degrees of true motion has no slope.",
        "- **Range**: highest less lowest tilt of a clip, which is about one repetition. Noise "
        "widens it, so read it together with the slope.",
        "- Lying on the side, tilt and rotation to gravity are not defined apart (the obliquity is "
        "near 90 degrees). There the error is that of the orientation about the pelvis's own "
        "axes.",
        *_unknown(result),
        "- **Naive peer**: the line from hips to shoulders of BlazePose landmarks at the median "
        "depth, with the true direction of gravity given, and its mean over the rest as neutral.",
        "",
    ]


def _unknown(result: dict[str, Any]) -> list[str]:
    parts = [
        *sentence("{} of our unknown tilts had a hip covered or outside the image.",
                  result["unknown_right_share"]),
        *sentence("Of the frames with such a hip whose tilt was unknown or off by more than 10 "
                  "degrees, {} were unknown.", result["unknown_when_wrong_share"]),
    ]  # fmt: skip
    return ["- **Unknown**: " + " ".join(parts)] if parts else []


def _groups(name: str, summaries: dict[str, Summary]) -> list[str]:
    head = [name, "frames", "tilt", "naive", "obliquity", "rotation", "tilt to neutral", "slope",
            "naive slope", "correlation", "range error", "unknown"]  # fmt: skip
    rows = [
        [
            group, str(f["frames"]), number(f["tilt_mae_deg"]), number(f["naive_tilt_mae_deg"]),
            number(f["obliquity_mae_deg"]), number(f["rotation_mae_deg"]),
            number(f["tilt_relative_mae_deg"]), number(f["tilt_slope"], 2),
            number(f["naive_tilt_slope"], 2), number(f["tilt_correlation"], 2),
            number(f["tilt_range_mae_deg"]), number(f["unknown_share"], percent=True),
        ]
        for group, f in summaries.items()
    ]  # fmt: skip
    return table(head, rows)


def _plot_tilt(path: Path, records: Sequence[CaseRecord]) -> None:
    exercises = groups(r.info.exercise for r in records)
    columns = min(_COLUMNS, len(exercises))
    rows = math.ceil(len(exercises) / columns)
    drawn, axes = plots.figure(rows, columns, 2.5 * columns + 0.4, 2.6 * rows + 0.4)
    for axis, (name, members) in zip(axes, exercises.items(), strict=False):
        ours, naive = (
            [tracks(records[k], which, TILT) for k in members] for which in ("our", "naive")
        )
        fit = follow([v for v, _ in ours], [t for _, t in ours])
        together = [
            (np.concatenate([v for v, _ in each]), np.concatenate([t for _, t in each]))
            for each in (ours, naive)
        ]
        plots.follows(axis, name, together[0], together[1], fit)
    for axis in axes[len(exercises) :]:
        axis.set_visible(False)
    axes[0].legend(frameon=False, fontsize=7, loc="upper left")
    drawn.supxlabel("true tilt to neutral [deg]", fontsize=9)
    drawn.supylabel("estimated [deg]", fontsize=9)
    plots.save(drawn, path)


def _plot_errors(path: Path, records: Sequence[CaseRecord]) -> None:
    drawn, axes = plots.figure(1, 3, 12, 4)
    ours, naive = (
        np.rad2deg(np.abs(np.concatenate([absolute_errors(r, which) for r in records])))
        for which in ("our", "naive")
    )
    plots.shares(axes[0], ours[:, TILT], naive[:, TILT], most=30.0, unit="deg of tilt", of="frames")
    each = [(name.replace("_", " "), ours[:, k]) for k, name in enumerate(ANGLES)]
    plots.spreads(axes[1], each, "deg", "ours by angle")
    error = np.concatenate([absolute_errors(r, "our")[:, :3] for r in records])
    sigma = np.concatenate([r.our_angles.absolute_sigma[:, :3] for r in records])
    known = np.isfinite(error) & (sigma > 0)
    plots.calibration(axes[2], (error[known] / sigma[known]) ** 2, 1)
    plots.save(drawn, path)
