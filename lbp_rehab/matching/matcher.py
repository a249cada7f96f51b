"""How far a repetition is from a reference, learnt: a Siamese network's distance.

Both go through the same network; the distance of the embeddings was taught to be the severity of
the faults that set them apart (0 none, 1 as bad as a fault of the synthetic patient gets), whatever
the two bodies. What one of the two does not show is left out of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.matching.reference import Reference
from lbp_rehab.matching.repetition import Repetition, channels, mirrored
from lbp_rehab.paths import resource_dir
from lbp_rehab.pose.network import Network
from lbp_rehab.recognition.frame import Stretch
from lbp_rehab.recognition.observation import JOINTS

MODEL = "matching.onnx"
DEMONSTRATIONS = "matching.json"
_SEEN = 0.5  # of the phases in which a joint must be known to be compared
_LEAST_COMPARED = 0.5  # of the joints, for there to be an answer


@dataclass(frozen=True)
class Match:
    """A repetition against a reference.

    Attributes
    ----------
    distance : Estimate
        0 upwards, in severities of faults; unknown if less than half of the body can be compared.
    similarity : Estimate
        0 to 100: 100 for repetitions as alike as clean ones are among themselves.
    left_out : tuple of str
        Joints, or "pelvis", that one of the two does not show.
    """

    distance: Estimate
    similarity: Estimate
    left_out: tuple[str, ...]


class Matcher:
    """Compares repetitions.

    Parameters
    ----------
    model : Path, optional
        Instead of the network in ``resource/models``.
    """

    def __init__(self, model: Path | None = None) -> None:
        self._network = Network(model or demonstrations_path().with_name(MODEL))

    def embed(self, repetition: Repetition) -> NDArray[np.float64]:
        """Return a repetition's place among others, shape (32,)."""
        return self._run(repetition)[0]

    def match(self, repetition: Repetition, reference: Reference, side: str = "none") -> Match:
        """Compare a repetition with a reference.

        Parameters
        ----------
        side : str
            The side that worked; a reference of the other side is mirrored.
        """
        other = reference.repetition
        if {side, reference.side} == {"left", "right"}:
            other = mirrored(other)
        return self.compare(repetition, other)

    def distance(self, a: Repetition, b: Repetition) -> Estimate:
        """Return the distance of two repetitions, see `Match`."""
        return self.compare(a, b).distance

    def compare(self, a: Repetition, b: Repetition) -> Match:
        """Compare two repetitions by what both show."""
        joints = _shown(a.stretch.known) & _shown(b.stretch.known)
        pelvis = _shown(a.stretch.pelvis_known) & _shown(b.stretch.pelvis_known)
        left_out = tuple(n for n, k in zip(JOINTS, joints, strict=True) if not k)
        left_out += () if pelvis.all() else ("pelvis",)
        share = float(joints.mean())
        if share < _LEAST_COMPARED:
            unknown = Estimate.unknown(Reason.TOO_UNCERTAIN)
            return Match(unknown, unknown, left_out)
        ours, calibration = self._run(_only(a, joints, pelvis))
        theirs, _ = self._run(_only(b, joints, pelvis))
        floor, full, base, slope = calibration
        far = float(np.linalg.norm(ours - theirs))
        # Faults of what is left out cannot be seen: the fewer joints, the wider.
        sigma = float(np.hypot(base, slope * far) / np.sqrt(share))
        like = 100.0 * (1.0 - float(np.clip((far - floor) / (full - floor), 0.0, 1.0)))
        like_sigma = 100.0 * sigma / (full - floor)
        return Match(Estimate(far, sigma), Estimate(like, like_sigma), left_out)

    def _run(self, repetition: Repetition) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the embedding, and the network's calibration: see ``train_matching``."""
        embedding, calibration = self._network(repetition=channels(repetition))
        return embedding.astype(float), calibration.astype(float)


def demonstrations_path() -> Path:
    """Return the file of the demonstrations that come with the package."""
    return resource_dir() / "models" / DEMONSTRATIONS


def _shown(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(known.mean(axis=0) >= _SEEN)


def _only(given: Repetition, joints: NDArray[np.bool_], pelvis: NDArray[np.bool_]) -> Repetition:
    """Return a repetition of which only some joints and columns of the pelvis are known."""
    stretch = given.stretch
    known, there = stretch.known & joints, stretch.pelvis_known & pelvis
    left = Stretch(
        np.where(known[..., None], stretch.points, 0.0), known,
        np.where(there, stretch.pelvis, 0.0), there, stretch.stature_m,
    )  # fmt: skip
    return Repetition(left, given.duration_s)
