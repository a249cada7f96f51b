"""Clips of a stick figure and answers of which every error is known, for the benchmark's tests."""

import os
import threading
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation

from lbp_rehab.bench.naive import NaivePose
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.segments import cardan, gravity_frame, pelvis_axes, trunk_points
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Support

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 80_000_000
N = len(NAMES)
CAMERA = Intrinsics.from_field_of_view(160, 120, float(np.radians(60)))
SUPPORT = Support(np.array([0.0, -1.0, 0.0]), 0.01, Estimate(1.0, 0.01))
SIGMA_M = 0.02


def standing():
    """33 points of a person who stands 3 m before a level camera and faces it."""
    rng = np.random.default_rng(0)
    position = np.array([0.0, -0.5, 3.0]) + 0.1 * rng.standard_normal((N, 3))
    for side, x in (("l", 0.12), ("r", -0.12)):
        for part, y in (("shoulder", -0.4), ("hip", 0.1), ("knee", 0.5), ("ankle", 0.9),
                        ("heel", 0.95), ("toe", 0.95)):  # fmt: skip
            position[INDEX[f"{side}_{part}"]] = (x, y, 3.0)
    return position


def tilted(position, angle_rad):
    """The upper body turned about the hips, forward positive, limbs and all."""
    out = position.copy()
    upper = slice(0, INDEX["l_hip"])
    hip = position[[INDEX["l_hip"], INDEX["r_hip"]]].mean(axis=0)
    turn = Rotation.from_rotvec([angle_rad, 0.0, 0.0])
    out[upper] = hip + turn.apply(position[upper] - hip)
    return out


def pose_of(stamp_ns, position, known=None, sigma_m=SIGMA_M):
    known = np.ones(N, bool) if known is None else known
    return BodyPose(
        stamp_ns=stamp_ns,
        frame_id="camera",
        names=NAMES,
        position=np.where(known[:, None], position, 0.0),
        covariance=np.where(known[:, None, None], sigma_m**2 * np.eye(3), 0.0),
        status=np.where(known, int(Status.MEASURED), int(Status.UNKNOWN)),
        reason=np.where(known, 0, int(Reason.OCCLUDED)),
        visibility=np.ones(N),
        pixel=np.where(known[:, None], CAMERA.project(position), -1.0),
        mode=Mode.RGB_DEPTH,
        support=SUPPORT,
        track_id=1,
        image_size=(CAMERA.width, CAMERA.height),
    )


def pelvis_of(pose, neutral_axes):
    """The angles of the pose's own hips and shoulders, exact."""
    axes = pelvis_axes(trunk_points(pose)[0])
    frame = gravity_frame(SUPPORT)

    def angles(rotation):
        values = [Estimate(float(a), 1e-4) for a in cardan(rotation)]
        return PelvisAngles(*values, Estimate(0.0, 1e-4))

    return PelvisState(
        pose.stamp_ns, "camera", "", Method.SURFACE, angles(frame @ axes),
        angles(neutral_axes.T @ frame @ axes), pose.position[[INDEX["l_hip"]]].mean(0), axes,
        np.zeros((6, 6)),
    )  # fmt: skip


@dataclass(frozen=True)
class Frame:
    frame: RgbdFrame
    pose: BodyPose
    pelvis: PelvisState
    box: tuple
    covered: np.ndarray
    neutral: bool


@dataclass(frozen=True)
class Clip:
    """A person who rests and then bends forward; ``swing_rad`` is the range of the tilt."""

    name: str = "clip"
    seed: int = 0
    exercise: str = "forward_bend"
    faults: tuple = ()
    view: str = "level/front"
    condition: str = "clear"
    posture: str = "standing"
    person: str = "stick"
    frames: int = 40
    rest: int = 20
    swing_rad: float = 0.5
    covered: tuple = ()
    repetitions: tuple = field(default=())

    def tilt(self, k):
        moving = max(k - self.rest, 0) / max(self.frames - self.rest - 1, 1)
        return self.swing_rad * np.sin(np.pi * moving)

    def position(self, k):
        return tilted(standing(), self.tilt(k))

    def __iter__(self):
        covered = np.isin(NAMES, self.covered)
        rest = pose_of(START_NS, self.position(0))
        neutral = gravity_frame(SUPPORT) @ pelvis_axes(trunk_points(rest)[0])
        for k in range(self.frames):
            stamp_ns = START_NS + k * PERIOD_NS
            pose = pose_of(stamp_ns, self.position(k))
            color = np.full((CAMERA.height, CAMERA.width, 3), k, np.uint8)
            low, high = pose.pixel.min(axis=0), pose.pixel.max(axis=0)
            yield Frame(
                RgbdFrame(stamp_ns, "camera", color, None, CAMERA), pose,
                pelvis_of(pose, neutral), (*low, *high), covered, k < self.rest,
            )  # fmt: skip


class Answering:
    """An estimator that knows the truth of a clip and spoils it as the test says."""

    def __init__(self, clip, spoil=lambda k, pose: pose):
        self._true = [item.pose for item in clip]
        self._spoil = spoil

    def update(self, frame):
        k = (frame.stamp_ns - START_NS) // PERIOD_NS
        return self._spoil(k, self._true[k])


class AnsweringNaively:
    """The same for the naive peer."""

    def __init__(self, clip, shift_m=(0.0, 0.0, 0.0)):
        self._true = [item.pose for item in clip]
        self._shift_m = np.array(shift_m)

    def update(self, frame):
        pose = self._true[(frame.stamp_ns - START_NS) // PERIOD_NS]
        return NaivePose(pose.position + self._shift_m, np.ones(N, bool), pose.pixel, 0.9)


def shifted(pose, by_m):
    return replace(pose, position=pose.position + np.array(by_m))


def without(pose, *names):
    """The pose with some keypoints unknown."""
    hidden = np.isin(NAMES, names)
    return pose_of(pose.stamp_ns, pose.position, ~hidden)


# What workers do; they cannot import the tests themselves.


def die(case):
    os._exit(3)


def hang(folder):
    (folder / f"{os.getpid()}.pid").touch()
    threading.Event().wait(600.0)
