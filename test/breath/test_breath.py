"""Breathing of a patient who is a plane under a camera, so that every rise is exact."""

from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.breath.depth import DepthOfBreath
from lbp_rehab.breath.estimator import BELLY, CHEST, SETTLE_S, BreathEstimator
from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose

S = 1_000_000_000
CAMERA = Intrinsics(640, 480, 460.0, 460.0, 320.0, 240.0)
JOINTS_M, SURFACE_M = 2.0, 1.9  # below the camera
HIPS_Y, SHOULDERS_Y = 0.25, -0.25
POINTS = {
    "l_hip": (0.11, HIPS_Y), "r_hip": (-0.11, HIPS_Y),
    "l_shoulder": (0.18, SHOULDERS_Y), "r_shoulder": (-0.18, SHOULDERS_Y),
}  # fmt: skip


def pose(t_s, shake_m=0.0, rng=None):
    """Supine under the camera, head up in the picture."""
    position, status = np.zeros((len(NAMES), 3)), np.full(len(NAMES), int(Status.UNKNOWN))
    for name, (x, y) in POINTS.items():
        noise = shake_m * rng.standard_normal(3) if rng is not None else 0.0
        position[INDEX[name]] = np.array([x, y, JOINTS_M]) + noise
        status[INDEX[name]] = int(Status.MEASURED)
    return BodyPose(
        stamp_ns=round(t_s * S),
        frame_id="camera",
        names=NAMES,
        position=position,
        covariance=np.tile(1e-6 * np.eye(3), (len(NAMES), 1, 1)),
        status=status,
        reason=np.zeros(len(NAMES), int),
        visibility=np.ones(len(NAMES)),
        pixel=np.zeros((len(NAMES), 2)),
        track_id=1,
    )


def depth(belly_m, chest_m, rng=None):
    """The plane, with belly and chest that stand out, in millimetres."""
    rows = (np.arange(CAMERA.height) - CAMERA.cy) / CAMERA.fy * SURFACE_M
    share = (HIPS_Y - rows) / (HIPS_Y - SHOULDERS_Y)
    rise = np.where(share < 0.5, belly_m, chest_m)
    image = 1000.0 * (SURFACE_M - rise)[:, None] * np.ones(CAMERA.width)
    if rng is not None:
        image = image + 4.0 * rng.standard_normal(image.shape)
    return image.astype(np.uint16)


def course(t_s):
    """Belly and chest in metres: a breath of 4 s."""
    wave = 0.5 - 0.5 * np.cos(2.0 * np.pi * t_s / 4.0)
    return 0.02 * wave, 0.004 * wave


@pytest.mark.parametrize("noisy", [False, True])
def test_belly_and_chest_rise_as_they_do(noisy):
    rng = np.random.default_rng(1) if noisy else None
    estimator, errors = BreathEstimator(), []
    for t in np.arange(0.0, 12.0, 1 / 15):
        belly, chest = course(t)
        found = estimator.update(
            pose(t, 0.008 if noisy else 0.0, rng), depth(belly, chest, rng), CAMERA
        )
        if t > SETTLE_S:
            errors.append((found.belly.value - belly, found.chest.value - chest))
    spread = np.std(errors, axis=0)
    assert spread.max() < (0.0025 if noisy else 0.0011)
    assert found.belly.sigma < 0.003


def settled():
    """An estimator that has seen the patient at rest for long enough."""
    estimator = BreathEstimator()
    for t in (0.0, 0.6, 1.2):
        found = estimator.update(pose(t), depth(0.0, 0.0), CAMERA)
        assert found.belly.known == (t > SETTLE_S)
    return estimator


def test_the_belly_is_not_the_chest():
    estimator = settled()
    found = estimator.update(pose(1.3), depth(0.02, 0.0), CAMERA)
    assert found.belly.value == pytest.approx(0.02, abs=0.0015)
    assert found.chest.value == pytest.approx(0.0, abs=0.0015)
    assert BELLY[1] < CHEST[0]


def test_without_depth_or_trunk_it_says_why():
    estimator = BreathEstimator()
    assert estimator.update(pose(0.0), None, CAMERA).belly.reason == Reason.MISSING_INPUT
    nobody = BodyPose.unknown(0, "camera", NAMES, Reason.NO_PERSON)
    assert estimator.update(nobody, depth(0.0, 0.0), CAMERA).belly.reason == Reason.NO_PERSON
    holes = np.zeros((CAMERA.height, CAMERA.width), np.uint16)
    assert estimator.update(pose(0.1), holes, CAMERA).belly.reason == Reason.NO_DEPTH


def test_another_person_begins_anew():
    estimator = settled()
    other = replace(pose(1.3), track_id=2)
    assert estimator.update(other, depth(0.02, 0.0), CAMERA).belly.reason == Reason.TOO_EARLY
    found = estimator.update(replace(pose(2.4), track_id=2), depth(0.02, 0.0), CAMERA)
    assert found.belly.value == 0.0


def breathing(amplitude_m, noise_m=0.0003, seconds=24.0):
    """Return stamps and the depth of breath; ``amplitude_m`` by time."""
    depth_of, rng, found = DepthOfBreath(), np.random.default_rng(2), []
    for t in np.arange(0.0, seconds, 1 / 15):
        level = amplitude_m(t) * (0.5 - 0.5 * np.cos(2.0 * np.pi * t / 4.0))
        wall = Estimate(level + noise_m * rng.standard_normal(), noise_m)
        found.append((t, depth_of.update(round(t * S), wall)))
    return found


def test_a_held_breath_is_shallower_than_usual_and_a_usual_one_is_not():
    found = breathing(lambda t: 0.0002 if 12.0 < t < 18.0 else 0.004)
    assert found[0][1].reason == Reason.TOO_EARLY
    usual = [e.value for t, e in found if e.known and 6.0 < t < 12.0]
    held = [e.value for t, e in found if e.known and 16.0 < t < 18.0]
    assert min(usual) > 0.7
    assert max(held) < 0.35


def test_a_breath_that_hardly_rises_above_the_noise_is_unknown():
    found = breathing(lambda t: 0.0005, noise_m=0.002)
    assert {e.reason for t, e in found if t > 8.0} == {Reason.TOO_UNCERTAIN}
