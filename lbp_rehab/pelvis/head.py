"""The pelvis from the surface round it: the trained head, run by onnxruntime.

The network (`lbp_rehab.training.pelvis`, weights and model card in ``resource/models``) sees the
depth image round the mid-hip point in the frame that hips and shoulders span, and where the joints
are. It answers how the pelvis itself stands in that frame, which no joint tells, how far the lumbar
spine is bent, and where the landmarks of the pelvis lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Status
from lbp_rehab.paths import resource_dir
from lbp_rehab.pelvis.segments import POINTS, pelvis_axes
from lbp_rehab.pose.answer import projected
from lbp_rehab.pose.landmarks import Region, region_round
from lbp_rehab.pose.lift import metres, ray_map
from lbp_rehab.pose.network import Network
from lbp_rehab.pose.types import BodyPose

Array = NDArray[np.float64]

WEIGHTS = "pelvis.onnx"
SIDE = 64  # readings a side of the crop
SPAN_M = 0.8 * 64 / 96  # what it spans at the pelvis


@dataclass(frozen=True)
class Surface:
    """What the head says of one frame.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Columns are the pelvis axes (anterior, left, cranial) in the optical frame.
    covariance : ndarray, shape (4, 4)
        Of the rotation vector about those axes and of the lumbar flexion, square radians.
    lumbar_flexion : float
        Radians.
    landmarks : ndarray, shape (4, 3)
        `LANDMARKS` in optical metres.
    landmark_sigma : ndarray, shape (4,)
        Their 1-sigma in metres.
    """

    axes: Array
    covariance: Array
    lumbar_flexion: float
    landmarks: Array
    landmark_sigma: Array


@dataclass(frozen=True)
class Last:
    """The last pelvis axes and how old they are."""

    axes: Array
    age_s: float


class PelvisHead:
    """Runs the network.

    Parameters
    ----------
    path : Path, optional
        Of other weights than those of the package.

    Raises
    ------
    InputError
        If onnxruntime or the weights are missing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._network = Network(path or resource_dir() / "models" / WEIGHTS)

    def __call__(
        self,
        pose: BodyPose,
        depth: NDArray[np.uint16],
        intrinsics: Intrinsics,
        last: Last | None = None,
    ) -> Surface:
        """Return the pelvis of a pose whose hips and shoulders are known.

        Parameters
        ----------
        pose : BodyPose
        depth : ndarray of uint16, shape (h, w)
            Millimetres, of the same instant, registered to the colour image.
        intrinsics : Intrinsics
        last : Last, optional
        """
        trunk = np.array([pose.point(name) for name in POINTS])
        origin, base = trunk[:2].mean(axis=0), pelvis_axes(trunk)
        region = pelvic_region(pose, origin, intrinsics)
        known = pose.status != Status.UNKNOWN
        sigma = np.where(known, pose.sigma_m(), -1.0)
        axes, factor, lumbar, landmarks, spread = self._network(
            depth=metres(depth, region, SIDE),
            rays=ray_map(region, intrinsics, SIDE),
            origin=origin,
            base=base,
            joints=np.column_stack([pose.position, sigma]),
            up=_up(pose),
            last=_last(last),
        )
        wide = factor.astype(np.float64)
        return Surface(
            axes.astype(np.float64), wide @ wide.T, float(lumbar), landmarks.astype(np.float64),
            spread.astype(np.float64),
        )  # fmt: skip


def pelvic_region(pose: BodyPose, origin: Array, intrinsics: Intrinsics) -> Region:
    """Return the part of the image round the pelvis, turned as the person's region is."""
    spot = intrinsics.project(origin[None])[0]
    size = SPAN_M * intrinsics.fx / max(float(origin[2]), 0.3)
    turned = region_round(projected(pose.position, intrinsics))
    return Region((float(spot[0]), float(spot[1])), size, turned.rotation)


def _up(pose: BodyPose) -> Array:
    """Return up and whether it is known; without a plane gravity is a guess of the lifter's."""
    if pose.support is None or not pose.support.height.known:
        return np.zeros(4)
    return np.append(pose.support.up, 1.0)


def _last(last: Last | None) -> Array:
    if last is None:
        return np.zeros(8)
    return np.concatenate([last.axes[:, 0], last.axes[:, 2], [last.age_s, 1.0]])
