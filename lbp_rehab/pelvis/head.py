"""The pelvis from the surface round it: the trained head, run by onnxruntime.

The network (`lbp_rehab.training.pelvis`, weights and model card in ``resource/models``) sees the
surface round the trunk in the frame that hips and shoulders span, and where the joints are; and the
same of an earlier moment, the reference. How a belly and its tilt look differs from person to
person, so one moment tells the tilt poorly; how the surface of one person has changed tells well
how the pelvis has moved. The network answers both.
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
from lbp_rehab.pelvis.surface_map import surface_map
from lbp_rehab.pose.answer import projected
from lbp_rehab.pose.landmarks import Region, region_round
from lbp_rehab.pose.lift import metres, ray_map
from lbp_rehab.pose.network import Network
from lbp_rehab.pose.skeleton import INDEX, TRUNK
from lbp_rehab.pose.types import BodyPose

Array = NDArray[np.float64]

WEIGHTS = "pelvis.onnx"
SIDE = 96  # readings a side of the crop
SPAN_M = 0.80  # what it spans at the pelvis
BODY = (
    "l_hip", "r_hip", "l_shoulder", "r_shoulder", "nose", "l_elbow", "r_elbow", "l_knee", "r_knee",
    "l_ankle", "r_ankle",
)  # fmt: skip
_BODY = [INDEX[name] for name in BODY]


@dataclass(frozen=True)
class View:
    """What the head reads of one frame. The *base frame* has its origin between the hips.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
        The surface round the pelvis, optical metres.
    trunk : ndarray, shape (4, 3)
        Hips and shoulders, optical metres.
    origin : ndarray, shape (3,)
        Mid-hip point, optical metres.
    base : ndarray, shape (3, 3)
        Columns: anterior, left, cranial by hips and shoulders, in the optical frame.
    surface : ndarray of float32, shape (CHANNELS, ROWS, COLUMNS)
        `surface_map` of the points.
    joints : ndarray of float32, shape (len(BODY), 5)
        Of `BODY`: position in the base frame (metres), sigma (decimetres), whether known; zeros if
        not.
    others : ndarray of float32, shape (7,)
        In the base frame: up and whether it is known, the direction to the camera.
    """

    points: Array
    trunk: Array
    origin: Array
    base: Array
    surface: NDArray[np.float32]
    joints: NDArray[np.float32]
    others: NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """What the head says of one frame.

    The four numbers are the rotation vector (radians) from the base frame to the pelvis axes, and
    the lumbar flexion (radians).

    Attributes
    ----------
    value : ndarray, shape (4,)
    covariance : ndarray, shape (4, 4)
    change : ndarray, shape (4,)
        By how much the value is more than the reference's.
    change_covariance : ndarray, shape (4, 4)
    landmarks : ndarray, shape (4, 3)
        `LANDMARKS` in optical metres.
    landmark_sigma : ndarray, shape (4,)
        Their 1-sigma in metres.
    """

    value: Array
    covariance: Array
    change: Array
    change_covariance: Array
    landmarks: Array
    landmark_sigma: Array


def view_of(
    readings: NDArray[np.float32], rays: Array, position: Array, sigma: Array, up: Array | None
) -> View:
    """Return what the head reads.

    Parameters
    ----------
    readings : ndarray, shape (side, side)
        Depth round the pelvis, metres, 0: no reading.
    rays : ndarray, shape (2, 3)
        Map from its columns and rows to rays, `lbp_rehab.pose.lift.ray_map`.
    position : ndarray, shape (33, 3)
        Optical metres.
    sigma : ndarray, shape (33,)
        1-sigma in metres; negative: unknown.
    up : ndarray, shape (3,), optional
        In the optical frame.
    """
    trunk = position[[INDEX[name] for name in POINTS]]
    origin, base = trunk[:2].mean(axis=0), pelvis_axes(trunk)
    row, column = np.nonzero(readings)
    z = readings[row, column].astype(np.float64)
    slope = np.stack([column, row, np.ones_like(row)], axis=1) @ rays.T
    points = np.column_stack([slope * z[:, None], z])
    known = sigma[_BODY] >= 0.0
    joints = np.zeros((len(BODY), 5), np.float32)
    joints[known, :3] = ((position[_BODY] - origin) @ base)[known]
    joints[known, 3] = 10.0 * sigma[_BODY][known]
    joints[known, 4] = 1.0
    others = np.zeros(7, np.float32)
    if up is not None:
        others[:4] = [*(up @ base), 1.0]
    towards = -origin @ base
    others[4:] = towards / np.linalg.norm(towards)
    surface = surface_map(points, origin, base)
    return View(points, trunk, origin, base, surface, joints, others)


def in_frame_of(view: View, other: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the surface map and the trunk, shape (4, 3), of another moment in a view's frame.

    The camera stands still, so that what did not move lies where it lay.
    """
    trunk = ((other.trunk - view.origin) @ view.base).astype(np.float32)
    return surface_map(other.points, view.origin, view.base), trunk


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

    def __call__(self, view: View, reference: View) -> Reading:
        """Return the pelvis in a view, and how it has moved since the reference."""
        here, trunk = in_frame_of(view, reference)
        value, factor, change, change_factor, landmarks, spread = (
            out.astype(np.float64)
            for out in self._network(
                surface=view.surface,
                reference=reference.surface,
                here=here,
                joints=view.joints,
                others=view.others,
                reference_joints=reference.joints,
                reference_others=reference.others,
                trunk=trunk,
            )
        )
        return Reading(
            value, factor @ factor.T, change, change_factor @ change_factor.T,
            landmarks @ view.base.T + view.origin, spread,
        )  # fmt: skip


def look(pose: BodyPose, depth: NDArray[np.uint16], intrinsics: Intrinsics) -> View:
    """Return what the head reads of a pose whose hips and shoulders are known.

    Parameters
    ----------
    pose : BodyPose
    depth : ndarray of uint16, shape (h, w)
        Millimetres, of the same instant, registered to the colour image.
    intrinsics : Intrinsics
    """
    region = pelvic_region(pose, intrinsics)
    sigma = np.where(pose.status == Status.UNKNOWN, -1.0, pose.sigma_m())
    up = None
    if pose.support is not None and pose.support.height.known:
        up = pose.support.up  # without a plane gravity is a guess of the lifter's
    return view_of(
        metres(depth, region, SIDE), ray_map(region, intrinsics, SIDE), pose.position, sigma, up
    )


def pelvic_region(pose: BodyPose, intrinsics: Intrinsics) -> Region:
    """Return the part of the image round the pelvis, turned as the person's region is."""
    origin = pose.position[TRUNK[2:]].mean(axis=0)
    spot = intrinsics.project(origin[None])[0]
    size = SPAN_M * intrinsics.fx / max(float(origin[2]), 0.3)
    turned = region_round(projected(pose.position, intrinsics))
    return Region((float(spot[0]), float(spot[1])), size, turned.rotation)
