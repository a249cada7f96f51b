"""``lbp-rehab bench pelvis``: the pelvic and lumbar angles against exact truth, with a peer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import metrics
from lbp_rehab.bench.angles import (
    axes_of,
    correlation,
    errors,
    moments,
    range_error,
    sideways,
    slope,
    wrapped,
)
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.figures import Summary, grouped, rms, rounded, statistic
from lbp_rehab.bench.intervals import Resampled
from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA
from lbp_rehab.bench.pose import measure
from lbp_rehab.bench.records import ANGLES, Angles, CaseRecord
from lbp_rehab.pelvis.segments import cardan
from lbp_rehab.pose.skeleton import HIPS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WITHIN_DEG = (5, 10)
FAR_OFF_DEG = 10.0  # an angle that should have been unknown
TILT, OBLIQUITY, ROTATION, LUMBAR = range(4)
_DEGREES = 2  # decimals


@dataclass(frozen=True)
class Judged:
    """Tilt, obliquity, rotation and lumbar flexion of some frames against the truth.

    Attributes
    ----------
    error : ndarray, shape (t, 4)
        Radians; nan where the estimate or the truth is unknown.
    asked : ndarray of bool, shape (t, 4)
        Where the truth is known, so that an answer was due.
    """

    error: Array
    asked: Mask


def judge_absolute(record: CaseRecord, got: Angles) -> Judged:
    """Hold the angles to gravity of all frames against the truth."""
    true = record.true_angles
    asked = np.isfinite(true.absolute)
    asked[:, :LUMBAR] |= sideways(true.axes)[:, None]
    return Judged(_errors(got.absolute, true.absolute, got.axes, true.axes), asked)


def judge_relative(record: CaseRecord, got: Angles) -> Judged:
    """Hold the angles to neutral of the frames after the rest against the truth."""
    moving = ~record.truth.neutral
    value, truth = got.relative[moving], record.true_angles.relative[moving]
    axes, true_axes = axes_of(value[:, :LUMBAR]), axes_of(truth[:, :LUMBAR])
    return Judged(_errors(value, truth, axes, true_axes), np.isfinite(truth))


def _errors(value: Array, truth: Array, axes: Array, true_axes: Array) -> Array:
    pelvis = errors(value[:, :LUMBAR], truth[:, :LUMBAR], axes, true_axes)
    return np.hstack([pelvis, wrapped(value[:, LUMBAR:] - truth[:, LUMBAR:])])


def without_image(records: Sequence[CaseRecord]) -> dict[str, Angles]:
    """Return what a peer answers who sees nothing and knows the exercise, by name of the clip.

    To gravity: the mean of the true angles of the other clips of the exercise, unknown if there is
    none. To neutral: zero.
    """
    out = {}
    for members in groups(r.info.exercise for r in records).values():
        for k in members:
            others = [cardan(records[m].true_angles.axes) for m in members if m != k]
            out[records[k].info.name] = _constant(others, records[k].frames)
    return out


def _constant(others: Sequence[Array], frames: int) -> Angles:
    """Return the mean angles of other clips, each of shape (t_i, 3), for so many frames."""
    known = [angles[np.isfinite(angles).all(axis=1)] for angles in others]
    turn = np.exp(1j * np.concatenate([np.zeros((0, LUMBAR)), *known]))
    mean = np.angle(turn.mean(axis=0)) if len(turn) else np.full(LUMBAR, np.nan)
    unknown = np.full((frames, len(ANGLES)), np.nan)
    absolute, relative = unknown.copy(), unknown.copy()
    absolute[:, :LUMBAR], relative[:, :LUMBAR] = mean, 0.0
    return Angles(absolute, relative, unknown, unknown, axes_of(absolute[:, :LUMBAR]))


def figures(records: Sequence[CaseRecord], seed: int) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``."""
    guesses = without_image(records)
    return {
        "seed": seed,
        "cases": len(records),
        **summarise(records, guesses),
        **grouped(records, lambda some: summarise(some, guesses)),
    }


def summarise(records: Sequence[CaseRecord], guesses: dict[str, Angles] | None = None) -> Summary:
    """Return the figures of some cases.

    ``naive_`` before the name of a figure: the naive peer's; ``no_image_``: those of the peer
    without images.

    Parameters
    ----------
    records : sequence of CaseRecord
    guesses : dict
        `without_image` of all cases of the benchmark; by default of these.
    """
    blind = without_image(records) if guesses is None else guesses
    mine = _accuracy(records, [r.our_angles for r in records])
    naive = _accuracy(records, [r.naive_angles for r in records])
    no_image = _accuracy(records, [blind[r.info.name] for r in records])
    # Neither peer has it, and what does not move has no slope.
    left_out = ("lumbar_flexion", "tilt_range")
    constant = ("slope", "correlation", "cases")
    pose_ms, pelvis_ms = (
        np.concatenate([getattr(r, f"{part}_ms") for r in records]) for part in ("pose", "pelvis")
    )
    without_neutral = sum(bool(r.neutral_problem) for r in records)
    return {
        "clips": len(records),
        "frames": sum(r.frames for r in records),
        **mine,
        **_calibration(records),
        "unknown_right_share": _unknown_right(records),
        "unknown_when_wrong_share": _unknown_when_wrong(records),
        "cases_with_neutral": len(records) - without_neutral,
        "cases_without_neutral": without_neutral,
        "ms_per_frame_median": statistic(np.median, pelvis_ms, 3),
        "ms_per_frame_pose_and_pelvis_median": statistic(np.median, pose_ms + pelvis_ms, 2),
        **{f"naive_{k}": v for k, v in naive.items() if not k.startswith(left_out[0])},
        **{
            f"no_image_{k}": v
            for k, v in no_image.items()
            if not k.startswith(left_out) and k.removesuffix("_ci95").split("_")[-1] not in constant
        },
    }


def _accuracy(records: Sequence[CaseRecord], got: Sequence[Angles]) -> Summary:
    pairs = list(zip(records, got, strict=True))
    out: Summary = {}
    for suffix, judge in (("", judge_absolute), ("_relative", judge_relative)):
        judged = [judge(record, angles) for record, angles in pairs]
        clips = Resampled([len(j.error) for j in judged])
        error = np.rad2deg(np.concatenate([j.error for j in judged]))
        asked = np.concatenate([j.asked for j in judged])
        for k, name in enumerate(ANGLES):
            out |= _sizes(f"{name}{suffix}", error[:, k], asked[:, k], clips)
        answered = np.where(asked, np.isfinite(error), np.nan)[:, TILT]
        share = statistic(np.mean, answered, 4)
        before = "relative_" if suffix else ""
        out[f"{before}answered_share"] = share
        out[f"{before}answered_share_ci95"] = clips.mean(answered, 4)
        out[f"{before}unknown_share"] = None if share is None else rounded(1.0 - share, 4)
    clips = Resampled([r.frames for r in records])
    for k, name in enumerate(ANGLES):
        each = moments(*_tracks(pairs, k))
        total = each.sum(axis=0, keepdims=True)
        for key, function in (("slope", slope), ("correlation", correlation)):
            out[f"{name}_{key}"] = rounded(float(function(total)[0]), 3)
            out[f"{name}_{key}_ci95"] = clips.of_sums(each, function, 3)
        out[f"{name}_moving_cases"] = int((each[:, 0] > 0).sum())
    ranges = [
        np.array([np.nan if e is None else np.rad2deg(e)], float)
        for e in map(range_error, *_tracks(pairs, TILT))
    ]
    sizes = [np.abs(e) for e in ranges]
    for key, values in (("bias", ranges), ("mae", sizes)):
        out[f"tilt_range_{key}_deg"] = statistic(np.mean, np.concatenate(values), _DEGREES)
        out[f"tilt_range_{key}_deg_ci95"] = clips.mean_of(values, _DEGREES)
    return out


def _sizes(name: str, error_deg: Array, asked: Mask, clips: Resampled) -> Summary:
    size = np.abs(error_deg)
    out = {
        f"{name}_mae_deg": statistic(np.mean, size, _DEGREES),
        f"{name}_mae_deg_ci95": clips.mean(size, _DEGREES),
        f"{name}_median_deg": statistic(np.median, size, _DEGREES),
        f"{name}_rmse_deg": statistic(rms, size, _DEGREES),
        f"{name}_max_deg": statistic(np.max, size, _DEGREES),
    }
    for limit in WITHIN_DEG:
        with np.errstate(invalid="ignore"):
            inside = np.where(asked, size <= limit, np.nan)  # an unknown one is not within
        out[f"{name}_within_{limit}_deg"] = statistic(np.mean, inside, 4)
        out[f"{name}_within_{limit}_deg_ci95"] = clips.mean(inside, 4)
    return out


def tracks(record: CaseRecord, got: Angles, angle: int) -> tuple[Array, Array]:
    """Return estimate and truth to neutral of the moving frames in which the estimate is known."""
    value, truth = got.relative[:, angle], record.true_angles.relative[:, angle]
    kept = ~record.truth.neutral & np.isfinite(value) & np.isfinite(truth)
    return np.unwrap(value[kept]), np.unwrap(truth[kept])


def _tracks(
    pairs: Sequence[tuple[CaseRecord, Angles]], angle: int
) -> tuple[list[Array], list[Array]]:
    each = [tracks(record, got, angle) for record, got in pairs]
    return [v for v, _ in each], [t for _, t in each]


def over_sigma(record: CaseRecord) -> tuple[Array, Array]:
    """Return error over sigma, and sigma in radians, of the angles to gravity, shape (t, 3).

    nan where unknown, and where the pelvis lies sideways: there the errors are no longer those of
    the angles that the sigmas belong to.
    """
    error = judge_absolute(record, record.our_angles).error[:, :LUMBAR]
    given = record.our_angles.absolute_sigma[:, :LUMBAR]
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(error) & (given > 0) & ~sideways(record.true_angles.axes)[:, None]
    sigma = np.where(kept, given, np.nan)
    return error / sigma, sigma


def _calibration(records: Sequence[CaseRecord]) -> Summary:
    """Return how honest the sigmas are, of tilt, obliquity and rotation to gravity together."""
    each = [over_sigma(r) for r in records]
    squared = np.concatenate([ratio for ratio, _ in each]) ** 2
    sigma = np.concatenate([given for _, given in each])
    clips = Resampled([r.frames for r in records])
    out: Summary = {}
    for key, share in (("within_1_sigma", ONE_SIGMA), ("within_2_sigma", TWO_SIGMA)):
        limit = metrics.chi_square_quantile(share, 1)
        inside = np.where(np.isfinite(squared), squared <= limit, np.nan)
        out[key] = statistic(np.mean, inside, 4)
        out[f"{key}_ci95"] = clips.mean(inside, 4)
    return {**out, "sigma_mean_deg": statistic(np.mean, np.rad2deg(sigma), _DEGREES)}


def _hip_away(record: CaseRecord) -> Mask:
    """Return the frames in which a hip is covered or outside the image, shape (t,)."""
    truth = record.truth
    away = truth.covered[:, HIPS] | ~truth.in_image[:, HIPS]
    return np.asarray(away.any(axis=1))


def _tilts(records: Sequence[CaseRecord]) -> tuple[Array, Mask, Mask]:
    """Return error of our tilt in degrees, whether it was due, and whether a hip was away."""
    judged = [judge_absolute(r, r.our_angles) for r in records]
    error = np.rad2deg(np.concatenate([j.error[:, TILT] for j in judged]))
    asked = np.concatenate([j.asked[:, TILT] for j in judged])
    return error, asked, np.concatenate([_hip_away(r) for r in records])


def _unknown_right(records: Sequence[CaseRecord]) -> float | None:
    """Return how often an unknown tilt was right: a hip was covered or outside the image."""
    error, asked, away = _tilts(records)
    unknown = asked & np.isnan(error)
    return rounded(float(away[unknown].mean()), 4) if unknown.any() else None


def _unknown_when_wrong(records: Sequence[CaseRecord]) -> float | None:
    """Return how often tilt with a hip away was unknown, rather than far off."""
    error, asked, away = _tilts(records)
    unknown = asked & away & np.isnan(error)
    with np.errstate(invalid="ignore"):
        counted = unknown | (away & (np.abs(error) > FAR_OFF_DEG))
    return rounded(float(unknown.sum() / counted.sum()), 4) if counted.any() else None


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say, and write the page if one is wanted."""
    records = measure(arguments)
    result = figures(records, arguments.seed)
    if arguments.page:
        from lbp_rehab.bench.pelvis_page import write  # noqa: PLC0415

        write(arguments.page, records, result, arguments)
    return result


def text(result: dict[str, Any]) -> str:
    """Return the headline for the screen."""
    from lbp_rehab.bench.pelvis_page import headline  # noqa: PLC0415

    return "\n".join(headline(result))
