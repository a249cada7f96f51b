"""Posture of the whole body from keypoints and gravity."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import BodyPose, Posture

UPRIGHT_RAD = np.deg2rad(50.0)  # trunk within this of vertical
THIGH_DOWN_RAD = np.deg2rad(45.0)
FACING = np.cos(np.deg2rad(45.0))
RAISED_HIP = 0.55  # of the thigh's length, hip over knee: on hands and knees


def classify(pose: BodyPose) -> tuple[Posture, float]:
    """Return the posture and a confidence of 0 to 1.

    The trunk's direction tells upright from lying; lying, the side that faces up tells supine,
    prone and side; upright, the thighs tell standing from sitting. The confidence is the margin to
    the nearest threshold, 1 at the middle of a class.
    """
    trunk_points = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")
    if pose.support is None or not pose.known(*trunk_points):
        return Posture.UNKNOWN, 0.0
    up = pose.support.up
    l_sho, r_sho, l_hip, r_hip = (pose.point(n) for n in trunk_points)
    spine = _unit((l_sho + r_sho - l_hip - r_hip) / 2)
    left = _unit(l_sho + l_hip - r_sho - r_hip)
    front = _unit(np.cross(left, spine))
    lean = float(np.arccos(np.clip(spine @ up, -1, 1)))
    knees = [(s, pose.point(f"{s}_hip"), pose.point(f"{s}_knee"))
             for s in ("l", "r") if pose.known(f"{s}_knee")]  # fmt: skip
    thighs = [_unit(knee - hip) for _, hip, knee in knees]
    if lean < UPRIGHT_RAD:
        margin = 1.0 - lean / UPRIGHT_RAD
        if not thighs:
            return Posture.STANDING, 0.5 * margin
        drop = float(np.arccos(np.clip(-np.mean(thighs, axis=0) @ up, -1, 1)))
        posture = Posture.STANDING if drop < THIGH_DOWN_RAD else Posture.SITTING
        return posture, min(margin * 2, abs(drop - THIGH_DOWN_RAD) / THIGH_DOWN_RAD, 1.0)
    facing = float(front @ up)
    if facing < -FACING and knees:
        rise = np.mean([(hip - knee) @ up / np.linalg.norm(hip - knee) for _, hip, knee in knees])
        if rise > RAISED_HIP:
            return Posture.QUADRUPED, float(np.clip((rise - RAISED_HIP) / 0.3, 0, 1))
    margin = float(np.clip(abs(abs(facing) - FACING) / (1 - FACING), 0, 1))
    if facing > FACING:
        return Posture.SUPINE, margin
    if facing < -FACING:
        return Posture.PRONE, margin
    return (Posture.SIDE_RIGHT if left @ up > 0 else Posture.SIDE_LEFT), margin


def _unit(v: np.ndarray) -> np.ndarray:
    return v / max(float(np.linalg.norm(v)), 1e-9)
