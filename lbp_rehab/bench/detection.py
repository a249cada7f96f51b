"""Whether the right person was found in the image: COCO's keypoint similarity and precision.

Lin et al. 2014 (ECCV), "Microsoft COCO"; the evaluation as on cocodataset.org/#keypoints-eval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import INDEX

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIGMAS = {
    "nose": 0.026, "l_eye": 0.025, "r_eye": 0.025, "l_ear": 0.035, "r_ear": 0.035,
    "l_shoulder": 0.079, "r_shoulder": 0.079, "l_elbow": 0.072, "r_elbow": 0.072,
    "l_wrist": 0.062, "r_wrist": 0.062, "l_hip": 0.107, "r_hip": 0.107, "l_knee": 0.087,
    "r_knee": 0.087, "l_ankle": 0.089, "r_ankle": 0.089,
}  # fmt: skip
COCO_INDEX = np.array([INDEX[name] for name in _SIGMAS])
COCO_SIGMA = np.array(list(_SIGMAS.values()))
# Of a person's box that the person fills, where there is no outline (xtcocotools, Jin et al. 2020).
AREA_OF_BOX = 0.53
_RECALLS = np.linspace(0.0, 1.0, 101)


def similarity(pixel: Array, truth: Array, located: Mask, labelled: Mask, area: Array) -> Array:
    """Return the object keypoint similarity (OKS) of each frame, shape (t,).

    ``mean over labelled points of exp(-d^2 / (2 area (2 sigma)^2))``; a labelled point that was
    not located counts as 0.

    Parameters
    ----------
    pixel, truth : ndarray, shape (t, 17, 2)
        In the order of `COCO_INDEX`.
    located, labelled : ndarray of bool, shape (t, 17)
    area : ndarray, shape (t,)
        Pixels that show the true person.
    """
    area = np.maximum(area, 1.0)
    squared = ((pixel - truth) ** 2).sum(axis=-1)
    exponent = squared / (2.0 * area[:, None] * (2.0 * COCO_SIGMA) ** 2)
    near = np.where(located & labelled, np.exp(-exponent), 0.0)
    return np.asarray(near.sum(axis=1) / np.maximum(labelled.sum(axis=1), 1))


@dataclass(frozen=True)
class Detections:
    """What was found, at most one person a frame.

    Attributes
    ----------
    oks : ndarray, shape (t,)
        With the patient; 0 where the patient is not in the image.
    score : ndarray, shape (t,)
        How sure the answer is.
    answered, present : ndarray of bool, shape (t,)
        Whether there is an answer, and whether the patient is in the image.
    ignored : ndarray of bool, shape (t,)
        The patient is there without one labelled point: whatever the answer, it is not judged.
    """

    oks: Array
    score: Array
    answered: Mask
    present: Mask
    ignored: Mask

    def hits(self, threshold: float) -> Mask:
        """Return the frames in which the patient was found, shape (t,)."""
        return self.answered & self.present & (self.oks >= threshold)

    def missed(self, threshold: float) -> int:
        """Count the frames in which the patient is there and was not found."""
        return int((self.present & ~self.hits(threshold)).sum())

    def false(self, threshold: float) -> int:
        """Count the answers that are not the patient."""
        return int((self.answered & ~self.ignored & ~self.hits(threshold)).sum())

    @cached_property
    def _surest_first(self) -> NDArray[np.int64]:
        judged = np.flatnonzero(self.answered & ~self.ignored)
        return judged[np.argsort(-self.score[judged], kind="stable")]

    def average_precision(self, threshold: float, times: Array | None = None) -> float | None:
        """Return COCO's AP: precision at 101 recalls, each the best at that recall or beyond.

        None if the patient is in no frame.

        Parameters
        ----------
        threshold : float
            Of the OKS.
        times : ndarray, shape (t,), optional
            How often each frame counts; once by default.
        """
        often = np.ones(len(self.oks)) if times is None else times
        n_true = float(often[self.present].sum())
        if n_true == 0.0:
            return None
        order = self._surest_first
        order = order[often[order] > 0]
        if not order.size:
            return 0.0
        found = np.cumsum(self.hits(threshold)[order] * often[order])
        recall, precision = found / n_true, found / np.cumsum(often[order])
        best = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, _RECALLS - 1e-12, side="left")
        return float(
            np.where(place < len(best), best[np.minimum(place, len(best) - 1)], 0.0).mean()
        )
