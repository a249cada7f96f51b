"""``lbp-rehab bench pelvis``: the pelvic and lumbar angles against exact truth, with a peer."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import metrics
from lbp_rehab.bench.angles import POLE_DEG, errors, follow, range_error, wrapped
from lbp_rehab.bench.figures import Summary, grouped, rms, rounded, statistic
from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA
from lbp_rehab.bench.pose import measure
from lbp_rehab.bench.records import ANGLES, Angles, CaseRecord
from lbp_rehab.pose.skeleton import INDEX

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FAR_OFF_DEG = 10.0  # an angle that should have been unknown
_HIPS = [INDEX["l_hip"], INDEX["r_hip"]]
TILT, OBLIQUITY, ROTATION, LUMBAR = range(4)
_DEGREES = 2  # decimals


def absolute_errors(record: CaseRecord, which: str) -> Array:
    """Return the errors of the angles to gravity, shape (t, 4), radians, nan where unknown."""
    got: Angles = getattr(record, f"{which}_angles")
    return _errors(got.absolute, record.true_angles.absolute)


def relative_errors(record: CaseRecord, which: str) -> Array:
    """Return the errors to neutral of the frames after the rest, shape (k, 4); nan if unknown."""
    got: Angles = getattr(record, f"{which}_angles")
    moving = ~record.truth.neutral
    return _errors(got.relative[moving], record.true_angles.relative[moving])


def _errors(value: Array, truth: Array) -> Array:
    unknown = np.isnan(value[:, :3])
    # Near the pole the three are judged together: without one there is no other.
    pole = np.abs(truth[:, OBLIQUITY]) > np.deg2rad(POLE_DEG)
    unknown |= (pole & unknown.any(axis=1))[:, None]
    pelvis = np.where(unknown, np.nan, errors(np.nan_to_num(value[:, :3]), truth[:, :3]))
    return np.hstack([pelvis, wrapped(value[:, 3:] - truth[:, 3:])])


def figures(records: Sequence[CaseRecord], seed: int) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``."""
    return {
        "seed": seed,
        "cases": len(records),
        **summarise(records),
        **grouped(records, summarise),
    }


def summarise(records: Sequence[CaseRecord]) -> Summary:
    """Return the figures of some cases, ours and, with ``naive_`` before the name, the peer's."""
    mine, peer = _accuracy(records, "our"), _accuracy(records, "naive")
    for key in [k for k in peer if k.startswith("lumbar_flexion")]:
        peer.pop(key)  # the peer has none
    problems = [r.neutral_problem for r in records]
    return {
        "frames": sum(r.frames for r in records),
        **mine,
        **_calibration(records),
        "unknown_right_share": _unknown_right(records),
        "unknown_when_wrong_share": _unknown_when_wrong(records),
        "cases_without_neutral": sum(bool(p) for p in problems),
        "ms_per_frame_median": statistic(
            np.median, np.concatenate([r.pelvis_ms for r in records]), 3
        ),
        **{f"naive_{key}": value for key, value in peer.items()},
    }


def _accuracy(records: Sequence[CaseRecord], which: str) -> Summary:
    absolute = np.rad2deg(np.concatenate([absolute_errors(r, which) for r in records]))
    relative = np.rad2deg(np.concatenate([relative_errors(r, which) for r in records]))
    out: Summary = {}
    for k, name in enumerate(ANGLES):
        out |= _sizes(name, absolute[:, k])
        out |= _sizes(f"{name}_relative", relative[:, k])
    for k, name in enumerate(ANGLES):
        fit = follow(*_pairs(records, which, k))
        out[f"{name}_slope"] = rounded(fit.slope, 3)
        out[f"{name}_correlation"] = rounded(fit.correlation, 3)
        out[f"{name}_moving_cases"] = fit.cases
    ranges = np.array([e for r in records for e in _range_errors(r, which)], float)
    out["tilt_range_bias_deg"] = statistic(np.mean, np.rad2deg(ranges), _DEGREES)
    out["tilt_range_mae_deg"] = statistic(lambda v: abs(v).mean(), np.rad2deg(ranges), _DEGREES)
    out["unknown_share"] = rounded(float(np.isnan(absolute[:, TILT]).mean()), 4)
    unknown_relative = np.isnan(relative[:, TILT])
    out["relative_unknown_share"] = (
        rounded(float(unknown_relative.mean()), 4) if unknown_relative.size else None
    )
    return out


def _sizes(name: str, error_deg: Array) -> Summary:
    size = np.abs(error_deg)
    return {
        f"{name}_mae_deg": statistic(np.mean, size, _DEGREES),
        f"{name}_median_deg": statistic(np.median, size, _DEGREES),
        f"{name}_rmse_deg": statistic(rms, size, _DEGREES),
        f"{name}_max_deg": statistic(np.max, size, _DEGREES),
    }


def tracks(record: CaseRecord, which: str, angle: int) -> tuple[Array, Array]:
    """Return estimate and truth to neutral of the moving frames in which the estimate is known."""
    got: Angles = getattr(record, f"{which}_angles")
    value, truth = got.relative[:, angle], record.true_angles.relative[:, angle]
    kept = ~record.truth.neutral & np.isfinite(value) & np.isfinite(truth)
    return np.unwrap(value[kept]), np.unwrap(truth[kept])


def _pairs(
    records: Sequence[CaseRecord], which: str, angle: int
) -> tuple[list[Array], list[Array]]:
    pairs = [tracks(r, which, angle) for r in records]
    return [v for v, _ in pairs], [t for _, t in pairs]


def _range_errors(record: CaseRecord, which: str) -> Iterable[float]:
    """Return the error of the range of tilt: a clip shows about one repetition."""
    value, truth = tracks(record, which, TILT)
    error = range_error(value, truth)
    return [] if error is None else [error]


def _calibration(records: Sequence[CaseRecord]) -> Summary:
    """Return how honest the sigmas are, of tilt, obliquity and rotation to gravity together."""
    ratio, sigma = [], []
    for record in records:
        error = absolute_errors(record, "our")[:, :3]
        given = record.our_angles.absolute_sigma[:, :3]
        known = np.isfinite(error) & (given > 0)
        ratio.append((error[known] / given[known]) ** 2)
        sigma.append(np.rad2deg(given[known]))
    squared = np.concatenate(ratio)
    return {
        "within_1_sigma": rounded(metrics.covered_share(squared, ONE_SIGMA, 1), 4),
        "within_2_sigma": rounded(metrics.covered_share(squared, TWO_SIGMA, 1), 4),
        "sigma_mean_deg": statistic(np.mean, np.concatenate(sigma), _DEGREES),
    }


def _hip_away(record: CaseRecord) -> Mask:
    """Return the frames in which a hip is covered or outside the image, shape (t,)."""
    truth = record.truth
    away = truth.covered[:, _HIPS] | ~truth.in_image[:, _HIPS]
    return np.asarray(away.any(axis=1))


def _unknown_right(records: Sequence[CaseRecord]) -> float | None:
    """Return how often an unknown tilt was right: a hip was covered or outside the image."""
    unknown = np.concatenate([np.isnan(r.our_angles.absolute[:, TILT]) for r in records])
    away = np.concatenate([_hip_away(r) for r in records])
    return rounded(float(away[unknown].mean()), 4) if unknown.any() else None


def _unknown_when_wrong(records: Sequence[CaseRecord]) -> float | None:
    """Return how often tilt with a hip away was unknown, rather than far off."""
    error = np.concatenate([np.rad2deg(absolute_errors(r, "our")[:, TILT]) for r in records])
    away = np.concatenate([_hip_away(r) for r in records])
    unknown = away & np.isnan(error)
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
