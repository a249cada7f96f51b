"""A stick-figure patient whose joint angles are exact by construction."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.scorer import Scorer
from lbp_rehab.quality.types import LiveQuality, RepetitionResult

START_NS = 1_700_000_000_000_000_000
# World (z up) to the optical frame of a level camera 1 m above the support and 2.5 m away.
TO_CAMERA = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
CAMERA = np.array([0.0, 1.0, 2.5])
DEG = np.pi / 180.0


def stamp_of(time_s: float) -> int:
    return START_NS + round(time_s * 1e9)


def cycle(time_s, begin_s, out_s, hold_s, back_s):
    """Progress 0..1 of one repetition with half-cosine ways; derivative is continuous."""
    u = np.asarray(time_s, dtype=float) - begin_s
    out = 0.5 - 0.5 * np.cos(np.pi * np.clip(u / out_s, 0, 1))
    back = 0.5 - 0.5 * np.cos(np.pi * np.clip((u - out_s - hold_s) / back_s, 0, 1))
    return out - back


def bridge(theta_l, theta_r=None, lift=0.0, knee_ratio=1.0):
    """Supine, head towards -x; hip angles in rad are exact, ``lift`` is the trunk's slope."""
    theta_r = theta_l if theta_r is None else theta_r
    points = {}
    for side, y, theta in (("l", 1.0, theta_l), ("r", -1.0, theta_r)):
        shoulder = np.array([0.0, 0.15 * y, 0.08])
        hip = np.array([0.5 * np.cos(lift), 0.1 * y, 0.08 + 0.5 * np.sin(lift)])
        slope = np.pi + lift - theta
        knee = hip + 0.42 * np.array([np.cos(slope), 0.0, np.sin(slope)])
        knee[1] = 0.1 * y * knee_ratio
        points |= {f"{side}_shoulder": shoulder, f"{side}_hip": hip, f"{side}_knee": knee}
        points[f"{side}_ankle"] = knee + np.array([0.1, 0.0, -0.35])
    return points


def standing(phi, lean=0.0, knee_flexion=0.0):
    """Upright legs, trunk bent forward by ``phi`` at the hips and to the left by ``lean``."""
    trunk = 0.5 * np.array([np.sin(phi) * np.cos(lean), np.sin(lean), np.cos(phi) * np.cos(lean)])
    shank = 0.4 * np.array([-np.sin(knee_flexion), 0.0, -np.cos(knee_flexion)])
    points = {}
    for side, y in (("l", 0.1), ("r", -0.1)):
        hip, knee = np.array([0.0, y, 0.9]), np.array([0.0, y, 0.48])
        points |= {
            f"{side}_shoulder": hip + trunk,
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": knee + shank,
        }
    return points


def body_pose(time_s, points, *, sigma_m=0.002, rng=None, hidden=(), gravity=True, up_sigma=0.005):
    n = len(NAMES)
    position, covariance = np.zeros((n, 3)), np.zeros((n, 3, 3))
    status = np.full(n, int(Status.UNKNOWN))
    reason = np.full(n, int(Reason.OUT_OF_VIEW))
    for name, point in points.items():
        if name in hidden:
            reason[INDEX[name]] = int(Reason.OCCLUDED)
            continue
        noise = 0.0 if rng is None else sigma_m * rng.standard_normal(3)
        position[INDEX[name]] = TO_CAMERA @ point + CAMERA + noise
        covariance[INDEX[name]] = sigma_m**2 * np.eye(3)
        status[INDEX[name]], reason[INDEX[name]] = int(Status.MEASURED), 0
    return BodyPose(
        stamp_ns=stamp_of(time_s),
        frame_id="camera",
        names=NAMES,
        position=position,
        covariance=covariance,
        status=status,
        reason=reason,
        visibility=np.ones(n),
        pixel=np.zeros((n, 2)),
        mode=Mode.RGB_DEPTH,
        posture=Posture.SUPINE,
        support=Support(np.array([0.0, -1.0, 0.0]), up_sigma, Estimate(1.0, 0.01))
        if gravity
        else None,
    )


def pelvis_state(time_s, sigma=0.01, **angles):
    values = {
        n: Estimate(angles.get(n, 0.0), sigma)
        for n in ("tilt", "obliquity", "rotation", "lumbar_flexion")
    }
    return PelvisState(
        stamp_ns=stamp_of(time_s),
        frame_id="camera",
        person_id="",
        method=Method.SEGMENTS,
        absolute=PelvisAngles(**values),
        relative=PelvisAngles(**values),
        origin=None,
        axes=None,
        covariance=np.zeros((6, 6)),
    )


def activation(time_s, sigma=0.01, **muscles):
    unknown = Estimate.unknown(Reason.TOO_EARLY)
    return Activation(
        stamp_of(time_s),
        {n: Estimate(v, sigma) for n, v in muscles.items()},
        unknown,
        unknown,
        unknown,
    )


@dataclass
class Played:
    live: list = field(default_factory=list)
    repetitions: list = field(default_factory=list)
    others: list = field(default_factory=list)

    def add(self, events):
        for event in events:
            if isinstance(event, LiveQuality):
                self.live.append(event)
            elif isinstance(event, RepetitionResult):
                self.repetitions.append(event)
            else:
                self.others.append(event)


class Patient:
    """Everything the tests need, as one fixture."""

    deg = DEG
    stamp_of = staticmethod(stamp_of)
    cycle = staticmethod(cycle)
    bridge = staticmethod(bridge)
    standing = staticmethod(standing)
    body_pose = staticmethod(body_pose)
    pelvis_state = staticmethod(pelvis_state)
    activation = staticmethod(activation)

    @staticmethod
    def play(
        exercise: Exercise,
        duration_s: float,
        *,
        pose: Callable | None,
        pelvis: Callable | None = None,
        emg: Callable | None = None,
        fps: float = 30.0,
    ) -> Played:
        scorer, played = Scorer(exercise), Played()
        for t in np.arange(0.0, duration_s, 1.0 / fps):
            played.add(
                scorer.update(
                    activation=emg(t) if emg else None,
                    pelvis=pelvis(t) if pelvis else None,
                    pose=pose(t) if pose else None,
                )
            )
        played.add(scorer.finish())
        return played


@pytest.fixture(scope="session")
def patient():
    return Patient
