"""The page ``pelvis.md``: what ``lbp-rehab bench pelvis`` found, for an engineer of a lab."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.bench import plots
from lbp_rehab.bench.angles import LEAST_MOTION_DEG, POLE_DEG, follow
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.figures import Summary
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
from lbp_rehab.bench.pelvis import TILT, WITHIN_DEG, judge_absolute, over_sigma, tracks
from lbp_rehab.bench.records import ANGLES, CaseRecord

_COLUMNS = 4


def headline(result: dict[str, Any]) -> list[str]:
    """Return the table of the main figures, ours beside the peers'."""
    rows = [
        _row(result, "frames answered, tilt to gravity", "answered_share", percent=True),
        _row(result, "frames answered, tilt to neutral", "relative_answered_share", percent=True),
        ["clips with a neutral", f"{result['cases_with_neutral']} of {result['cases']}", "", ""],
    ]
    for suffix, zero in (("", "to gravity"), ("_relative", "to neutral")):
        for name in ANGLES:
            key = f"{name}{suffix}"
            if result[f"{key}_mae_deg"] is None and name == "lumbar_flexion":
                continue
            # Lumbar flexion is that of the thorax to the pelvis; gravity has no part in it.
            against = "" if name == "lumbar_flexion" and not suffix else f" {zero}"
            text = f"{name.replace('_', ' ')}{against}"
            rows.append(_row(result, f"{text}, mean error", f"{key}_mae_deg", 1))
        for limit in WITHIN_DEG:
            key = f"tilt{suffix}_within_{limit}_deg"
            rows.append(_row(result, f"tilt {zero} within {limit} deg of all", key, percent=True))
    for name in ANGLES[:3]:
        rows.append(_row(result, f"slope of {name} on the truth (1 is right)", f"{name}_slope", 2))
        rows.append(_row(result, f"correlation of {name}", f"{name}_correlation", 2))
        rows.append(_row(result, f"clips with a slope of {name}", f"{name}_moving_cases", 0))
    rows.append(_row(result, "range of tilt, mean error", "tilt_range_mae_deg", 1))
    rows.append(_row(result, "range of tilt, bias", "tilt_range_bias_deg", 1))
    sigma = f", mean sigma {number(result['sigma_mean_deg'], 1, 'deg')}"
    for n, honest in ((1, "68.3"), (2, "95.4")):
        row = _row(
            result,
            f"truth within {n} sigma ({honest} % is honest)",
            f"within_{n}_sigma",
            percent=True,
        )
        rows.append([row[0], row[1] + sigma, *row[2:]])
    time = "ms_per_frame_median"
    rows.append(_row(result, "time a frame, pelvis alone, median", time, 2, unit="ms"))
    time = "ms_per_frame_pose_and_pelvis_median"
    rows.append(_row(result, "time a frame, pose and pelvis, median", time, 1, unit="ms"))
    return table(["", "ours", "naive peer", "no image"], rows)


def _row(
    result: dict[str, Any],
    name: str,
    key: str,
    digits: int = 1,
    *,
    unit: str = "",
    percent: bool = False,
) -> list[str]:
    kind = "deg" if key.endswith("_deg") and not percent else unit
    values = [
        ranged(result, k, digits, kind, percent) if k in result else ""
        for k in (key, f"naive_{key}", f"no_image_{key}")
    ]
    return [name, *values]


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
        f"{INTERVALS} {result['cases']} clips.",
        "",
        *headline(result),
        *_meaning(result),
        "## Tilt follows the truth?",
        "![Estimated against true tilt, by exercise](pelvis_tilt.png)",
        "",
        "Tilt relative to neutral in degrees, the truth across, the estimate up. On the dotted "
        "line the estimate is right; a flatter cloud means that range of motion is under-read. "
        "Above each: our slope, and of how many of the exercise's clips it is.",
        "",
        *_following(result["per_exercise"]),
        "## By exercise, view and more",
        "Mean absolute errors in degrees; tilt, obliquity and rotation to gravity.",
        "",
        *[line for name, some in group_tables(result) for line in _groups(name, some)],
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
            f"clips. {sum(r.worst_tilt is not None for r in records)} of {len(records)} clips had "
            f"an answer. {LEGEND} The two short lines at the hips are the pelvis's anterior and "
            "cranial axes.",
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
        f"estimate's. A clip of less than {LEAST_MOTION_DEG:.0f} degrees of true motion in the "
        "answered frames has no slope, nor has one without a neutral.",
        "- **Range**: highest less lowest tilt of a clip, which is about one repetition. Noise "
        "widens it, so read it together with the slope.",
        "- Lying on the side, tilt and rotation to gravity are not defined apart (the obliquity is "
        f"near 90 degrees). Beyond {POLE_DEG:.0f} degrees of obliquity the error is that of the "
        "orientation about the pelvis's own axes, and the frame has no part in the sigmas.",
        "- **Within 5 and 10 degrees**: of all frames; an unknown angle is not within.",
        "- **No image**: a peer who sees nothing and answers the mean true angles of the other "
        "clips of the exercise to gravity, and zero to neutral; what is not better than that has "
        "measured nothing.",
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
    head = [name, "clips", "frames", "answered", "naive answered", "tilt", "naive tilt",
            "no-image tilt", "within 10 deg", "obliquity", "rotation", "to neutral answered",
            "tilt to neutral", "no-image tilt to neutral", "range error"]  # fmt: skip
    rows = [
        [
            group, str(f["clips"]), str(f["frames"]), number(f["answered_share"], percent=True),
            number(f["naive_answered_share"], percent=True), ranged(f, "tilt_mae_deg"),
            ranged(f, "naive_tilt_mae_deg"), ranged(f, "no_image_tilt_mae_deg"),
            number(f["tilt_within_10_deg"], 0, percent=True), number(f["obliquity_mae_deg"]),
            number(f["rotation_mae_deg"]), number(f["relative_answered_share"], percent=True),
            ranged(f, "tilt_relative_mae_deg"), number(f["no_image_tilt_relative_mae_deg"]),
            number(f["tilt_range_mae_deg"]),
        ]
        for group, f in summaries.items()
    ]  # fmt: skip
    return table(head, rows)


def _following(summaries: dict[str, Summary]) -> list[str]:
    """Return the table of slopes and correlations of all three angles by exercise."""
    head = ["exercise", "clips"]
    for name in ANGLES[:3]:
        head += [f"clips with a slope of {name}", f"{name} slope", "naive slope", "correlation"]
    rows = [
        [group, str(f["clips"])] + [
            cell for name in ANGLES[:3] for cell in (
                str(f[f"{name}_moving_cases"]), ranged(f, f"{name}_slope", 2),
                number(f[f"naive_{name}_slope"], 2), number(f[f"{name}_correlation"], 2),
            )
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
            [tracks(records[k], getattr(records[k], f"{which}_angles"), TILT) for k in members]
            for which in ("our", "naive")
        )
        fit = follow([v for v, _ in ours], [t for _, t in ours])
        together = [
            (np.concatenate([v for v, _ in each]), np.concatenate([t for _, t in each]))
            for each in (ours, naive)
        ]
        title = f"{name}, {fit.cases} of {len(members)} clips"
        plots.follows(axis, title, together[0], together[1], fit)
    for axis in axes[len(exercises) :]:
        axis.set_visible(False)
    axes[0].legend(frameon=False, fontsize=7, loc="upper left")
    drawn.supxlabel("true tilt to neutral [deg]", fontsize=9)
    drawn.supylabel("estimated [deg]", fontsize=9)
    plots.save(drawn, path)


def _plot_errors(path: Path, records: Sequence[CaseRecord]) -> None:
    drawn, axes = plots.figure(1, 3, 12, 4)
    ours, naive = (
        np.rad2deg(
            np.abs(
                np.concatenate(
                    [judge_absolute(r, getattr(r, f"{which}_angles")).error for r in records]
                )
            )
        )
        for which in ("our", "naive")
    )
    plots.shares(axes[0], ours[:, TILT], naive[:, TILT], most=30.0, unit="deg of tilt", of="frames")
    each = [(name.replace("_", " "), ours[:, k]) for k, name in enumerate(ANGLES)]
    plots.spreads(axes[1], each, "deg", "ours by angle")
    ratio = np.concatenate([over_sigma(r)[0] for r in records])
    plots.calibration(axes[2], ratio[np.isfinite(ratio)] ** 2, 1)
    plots.save(drawn, path)
