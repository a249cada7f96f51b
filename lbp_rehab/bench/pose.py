"""``lbp-rehab bench pose``: the pose estimator against exact truth, beside the naive peer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import cases, metrics, options
from lbp_rehab.bench.detection import COCO_INDEX, Detections, similarity
from lbp_rehab.bench.figures import Summary, grouped, rms, rounded, statistic
from lbp_rehab.bench.intervals import Resampled
from lbp_rehab.bench.metrics import ONE_SIGMA, POINT_INDEX, POINTS, TWO_SIGMA
from lbp_rehab.bench.records import Answers, CaseRecord
from lbp_rehab.bench.run_case import run_case
from lbp_rehab.pose.skeleton import BONES, INDEX

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FAR_OFF_MM = 100.0  # a point that should have been unknown
DETECTED_OKS = 0.5  # COCO's lowest threshold: less is not the patient


def measure(arguments: argparse.Namespace) -> list[CaseRecord]:
    """Draw the cases and run the estimators over them."""
    options.check(arguments, arguments.frames)
    drawn = cases.draw("pose", arguments.seed, arguments.frames)
    return cases.work_off(run_case, drawn, arguments.jobs)


def figures(records: Sequence[CaseRecord], seed: int) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``."""
    return {
        "seed": seed,
        "cases": len(records),
        **summarise(records),
        "per_keypoint": _per_keypoint(records),
        "per_state": _per_state(records),
        "per_bone": _per_bone(records),
        **grouped(records, summarise),
    }


def summarise(records: Sequence[CaseRecord]) -> Summary:
    """Return the figures of some cases, ours and, with ``naive_`` before the name, the peer's."""
    ours, naive = (Pooled(records, which) for which in ("ours", "naive"))
    mine, peer = _geometry(records, ours), _geometry(records, naive)
    both = np.isfinite(ours.error_mm) & np.isfinite(naive.error_mm)
    common, naive_common = (np.where(both, p.error_mm, np.nan) for p in (ours, naive))
    return {
        "clips": len(records),
        "frames": len(ours.error_mm),
        **mine,
        **_calibration(ours),
        "unknown_when_wrong_share": _unknown_when_wrong(ours),
        "ms_per_frame_median": statistic(
            np.median, np.concatenate([r.pose_ms for r in records]), 2
        ),
        **{f"naive_{key}": value for key, value in peer.items()},
        "common_mpjpe_mm": statistic(np.mean, common, 1),
        "common_mpjpe_mm_ci95": ours.clips.mean(common, 1),
        "naive_common_mpjpe_mm": statistic(np.mean, naive_common, 1),
        "naive_common_mpjpe_mm_ci95": ours.clips.mean(naive_common, 1),
    }


def _of(record: CaseRecord, which: str) -> Answers:
    return record.ours if which == "ours" else record.naive


class Pooled:
    """The 19 points of all frames of some cases as one method answered them.

    Attributes
    ----------
    answers : list of Answers
        One of each case.
    clips : Resampled
        For the confidence intervals.
    error_mm : ndarray, shape (t, 19)
        nan where unknown.
    position, truth : ndarray, shape (t, 19, 3)
    known, seen, covered, in_image : ndarray of bool, shape (t, 19)
    covariance : ndarray, shape (t, 19, 3, 3), or None
    detections, uncovered : Detections
        With all points in the image, and without the covered ones.
    """

    def __init__(self, records: Sequence[CaseRecord], which: str) -> None:
        self.answers = answers = [_of(r, which) for r in records]
        self.clips = Resampled([r.frames for r in records])
        p = POINT_INDEX
        self.position = np.concatenate([a.position[:, p] for a in answers])
        self.known = np.concatenate([a.known[:, p] for a in answers])
        self.truth = np.concatenate([r.truth.position[:, p] for r in records])
        self.seen = np.concatenate([r.truth.seen[:, p] for r in records])
        self.covered = np.concatenate([r.truth.covered[:, p] for r in records])
        self.in_image = np.concatenate([r.truth.in_image[:, p] for r in records])
        self.error_mm = metrics.distances_mm(self.position, self.truth, self.known)
        covariance = [a.covariance[:, p] for a in answers if a.covariance is not None]
        self.covariance = np.concatenate(covariance) if len(covariance) == len(answers) else None
        self.detections = _detections(records, answers, with_covered=True)
        self.uncovered = _detections(records, answers, with_covered=False)

    def squared(self) -> Array:
        """Return the squared Mahalanobis distance of every answered point, shape (n,)."""
        if self.covariance is None:
            return np.zeros(0)
        k = self.known
        return metrics.mahalanobis_squared(self.position[k], self.truth[k], self.covariance[k])

    def states(self) -> dict[str, Mask]:
        """Return how each point stood to the camera; every point is in exactly one."""
        inside = self.in_image & ~self.covered
        return {
            "seen": inside & self.seen,
            "hidden by the body itself": inside & ~self.seen,
            "covered": self.in_image & self.covered,
            "outside the image": ~self.in_image,
        }


def _detections(
    records: Sequence[CaseRecord], answers: Sequence[Answers], with_covered: bool
) -> Detections:
    c = COCO_INDEX
    oks, present, answered, ignored = [], [], [], []
    for record, answer in zip(records, answers, strict=True):
        truth = record.truth
        labelled = truth.in_image[:, c] & (with_covered | ~truth.covered[:, c])
        labelled &= truth.present[:, None]
        oks.append(
            similarity(
                answer.pixel[:, c], truth.pixel[:, c], answer.located[:, c], labelled, truth.area
            )
        )
        present.append(labelled.any(axis=1))
        # As in COCO: a person without a labelled point is neither missed nor found wrongly.
        there = truth.present | truth.in_image.any(axis=1)
        ignored.append(there & ~labelled.any(axis=1))
        answered.append(answer.located.any(axis=1))
    score = np.concatenate([a.score for a in answers])
    return Detections(
        np.concatenate(oks), score, np.concatenate(answered), np.concatenate(present),
        np.concatenate(ignored),
    )  # fmt: skip


def _geometry(records: Sequence[CaseRecord], pooled: Pooled) -> Summary:
    """Return what both methods are judged by."""
    error = pooled.error_mm
    root = metrics.root_relative_mm(pooled.position, pooled.truth, pooled.known)
    aligned = metrics.procrustes_mm(pooled.position, pooled.truth, pooled.known)
    unknown = ~pooled.known
    states = pooled.states()
    found, uncovered = pooled.detections, pooled.uncovered
    clips = pooled.clips
    bones = [np.array([np.nan if v is None else v for v in _bones(a)]) for a in pooled.answers]
    jitter = [_jitter(r, a) for r, a in zip(records, pooled.answers, strict=True)]
    median_ci95, p95_ci95 = clips.quantiles(error, (0.5, 0.95), 1)
    with np.errstate(invalid="ignore"):
        within = {f"pck{t:.0f}": (error <= t).astype(float) for t in metrics.PCK_MM}
        curve = np.mean([error <= t for t in metrics.AUC_MM], axis=0)
    return {
        "mpjpe_mm": statistic(np.mean, error, 1),
        "mpjpe_mm_ci95": clips.mean(error, 1),
        "mpjpe_median_mm": statistic(np.median, error, 1),
        "mpjpe_median_mm_ci95": median_ci95,
        "mpjpe_p95_mm": statistic(lambda v: np.percentile(v, 95), error, 1),
        "mpjpe_p95_mm_ci95": p95_ci95,
        "root_mpjpe_mm": statistic(np.mean, root, 1),
        "root_mpjpe_mm_ci95": clips.mean(root, 1),
        "root_mpjpe_median_mm": statistic(np.median, root, 1),
        "procrustes_mpjpe_mm": statistic(np.mean, aligned, 1),
        "procrustes_mpjpe_mm_ci95": clips.mean(aligned, 1),
        **{key: statistic(np.mean, inside, 4) for key, inside in within.items()},
        **{f"{key}_ci95": clips.mean(inside, 4) for key, inside in within.items()},
        "pck_auc": rounded(metrics.auc(error), 4),
        "pck_auc_ci95": clips.mean(curve, 4),
        "answered_share": rounded(float(pooled.known.mean()), 4),
        "answered_share_ci95": clips.mean(pooled.known.astype(float), 4),
        "unknown_share": rounded(float(unknown.mean()), 4),
        "unknown_seen_share": _share(unknown & states["seen"], unknown),
        "unknown_covered_share": _share(
            unknown & (states["covered"] | states["outside the image"]), unknown
        ),
        "no_answer_share": rounded(float((~found.answered).mean()), 4),
        **_precision(found, clips, ""),
        **_precision(uncovered, clips, "_uncovered"),
        "missed": found.missed(DETECTED_OKS),
        "false_detections": found.false(DETECTED_OKS),
        "bone_variation": statistic(np.mean, np.concatenate(bones), 4),
        "bone_variation_ci95": clips.mean_of(bones, 4),
        "acceleration_error_mm_s2": statistic(np.mean, np.concatenate(jitter), 0),
        "acceleration_error_mm_s2_ci95": clips.mean_of(jitter, 0),
    }


def _precision(found: Detections, clips: Resampled, name: str) -> Summary:
    out: Summary = {}
    for percent in (50, 75):
        ap = partial(found.average_precision, percent / 100.0)
        out[f"ap{percent}{name}"] = rounded(ap(), 4)
        out[f"ap{percent}{name}_ci95"] = clips.of_frames(ap, 4)
    return out


def _calibration(pooled: Pooled) -> Summary:
    squared = np.full(pooled.known.shape, np.nan)
    sigma_mm = np.zeros(0)
    if pooled.covariance is not None:
        squared[pooled.known] = pooled.squared()
        trace = np.trace(pooled.covariance[pooled.known], axis1=1, axis2=2)
        sigma_mm = 1000.0 * np.sqrt(trace / 3.0)
    out: Summary = {}
    for key, share in (("within_1_sigma", ONE_SIGMA), ("within_2_sigma", TWO_SIGMA)):
        limit = metrics.chi_square_quantile(share, 3)
        inside = np.where(np.isfinite(squared), squared <= limit, np.nan)
        out[key] = statistic(np.mean, inside, 4)
        out[f"{key}_ci95"] = pooled.clips.mean(inside, 4)
    return {
        **out,
        "sigma_mean_mm": statistic(np.mean, sigma_mm, 1),
        "sigma_median_mm": statistic(np.median, sigma_mm, 1),
        # Of one axis, like sigma; with honest sigmas the two are alike.
        "axis_error_rms_mm": statistic(
            lambda e: rms(e) / np.sqrt(3.0), pooled.error_mm[pooled.known], 1
        ),
    }


def _unknown_when_wrong(pooled: Pooled) -> float | None:
    """Return how often a covered or missing point was unknown, rather than far off."""
    away = pooled.covered | ~pooled.in_image
    with np.errstate(invalid="ignore"):
        far_off = away & (pooled.error_mm > FAR_OFF_MM)
    unknown = away & ~pooled.known
    return _share(unknown, unknown | far_off)


def _share(part: Mask, whole: Mask) -> float | None:
    return rounded(float(part.sum() / whole.sum()), 4) if whole.any() else None


def _bones(answers: Answers) -> list[float | None]:
    return [
        metrics.bone_variation(answers.position[:, ends], answers.known[:, ends])
        for ends in ([INDEX[a], INDEX[b]] for a, b in BONES)
    ]


def _jitter(record: CaseRecord, answers: Answers) -> Array:
    p, truth = POINT_INDEX, record.truth
    return metrics.acceleration_error_mm_s2(
        truth.stamp_ns, answers.position[:, p], truth.position[:, p], answers.known[:, p]
    )


def _per_keypoint(records: Sequence[CaseRecord]) -> dict[str, Summary]:
    ours, naive = Pooled(records, "ours"), Pooled(records, "naive")
    squared = np.full(ours.known.shape, np.nan)
    squared[ours.known] = ours.squared()
    return {
        name: {
            "mpjpe_mm": statistic(np.mean, ours.error_mm[:, k], 1),
            "mpjpe_median_mm": statistic(np.median, ours.error_mm[:, k], 1),
            "unknown_share": rounded(float((~ours.known[:, k]).mean()), 4),
            "within_1_sigma": rounded(
                metrics.covered_share(squared[ours.known[:, k], k], ONE_SIGMA, 3), 4
            ),
            "naive_mpjpe_mm": statistic(np.mean, naive.error_mm[:, k], 1),
            "naive_mpjpe_median_mm": statistic(np.median, naive.error_mm[:, k], 1),
            "naive_unknown_share": rounded(float((~naive.known[:, k]).mean()), 4),
        }
        for k, name in enumerate(POINTS)
    }


def _per_state(records: Sequence[CaseRecord]) -> dict[str, Summary]:
    ours, naive = Pooled(records, "ours"), Pooled(records, "naive")
    out = {}
    for name, at in ours.states().items():
        known = at & ours.known
        squared = np.full(ours.known.shape, np.nan)
        squared[ours.known] = ours.squared()
        out[name] = {
            "points": int(at.sum()),
            "mpjpe_mm": statistic(np.mean, ours.error_mm[at], 1),
            "unknown_share": _share(at & ~ours.known, at),
            "within_1_sigma": rounded(metrics.covered_share(squared[known], ONE_SIGMA, 3), 4),
            "within_2_sigma": rounded(metrics.covered_share(squared[known], TWO_SIGMA, 3), 4),
            "naive_mpjpe_mm": statistic(np.mean, naive.error_mm[at], 1),
            "naive_unknown_share": _share(at & ~naive.known, at),
        }
    return out


def _per_bone(records: Sequence[CaseRecord]) -> dict[str, Summary]:
    out: dict[str, Summary] = {}
    for which in ("ours", "naive"):
        table = [_bones(_of(r, which)) for r in records]
        for k, bone in enumerate(BONES):
            values = np.array([np.nan if row[k] is None else row[k] for row in table], float)
            key = "variation" if which == "ours" else "naive_variation"
            out.setdefault(" to ".join(bone), {})[key] = statistic(np.mean, values, 4)
    return out


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say, and write the page if one is wanted."""
    records = measure(arguments)
    result = figures(records, arguments.seed)
    if arguments.page:
        from lbp_rehab.bench.pose_page import write  # noqa: PLC0415

        write(arguments.page, records, result, arguments)
    return result


def text(result: dict[str, Any]) -> str:
    """Return the headline for the screen."""
    from lbp_rehab.bench.pose_page import headline  # noqa: PLC0415

    return "\n".join(headline(result))
