"""The sample recording as a case of the benchmark: real estimators on frames with exact truth."""

from dataclasses import dataclass, field, replace

import numpy as np

from lbp_rehab import msg
from lbp_rehab.bags import BagReader
from lbp_rehab.camera.bag import BagSource
from lbp_rehab.camera.sources import SourceSettings
from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.nodes.convert import from_body_pose, from_pelvis_state
from lbp_rehab.paths import resource_dir
from lbp_rehab.pose.skeleton import NAMES

BAG = resource_dir() / "sample" / "glute_bridge"
FRAME_ID = "camera_color_optical_frame"


@dataclass(frozen=True)
class Frame:
    frame: RgbdFrame
    pose: object
    pelvis: object
    box: tuple
    covered: np.ndarray
    neutral: bool


@dataclass(frozen=True)
class SampleCase:
    first: int = 0
    last: int = 10_000
    step: int = 1
    rest: int = 0
    name: str = "sample"
    seed: int = 0
    exercise: str = "glute_bridge"
    faults: tuple = ()
    view: str = "low/left"
    condition: str = "clear"
    posture: str = "supine"
    person: str = "one"
    repetitions: tuple = field(default=())

    def __iter__(self):
        truth = {t: messages(t) for t in ("/truth/body/pose", "/truth/pelvis/state")}
        shots = BagSource(BAG, SourceSettings()).shots()
        poses = list(truth["/truth/body/pose"])
        states = list(truth["/truth/pelvis/state"])
        for k, (shot, pose, state) in enumerate(zip(shots, poses, states, strict=True)):
            if k >= self.last:
                return
            if k < self.first or (k - self.first) % self.step:
                continue
            true = whole(from_body_pose(pose))
            low, high = true.pixel.min(axis=0), true.pixel.max(axis=0)
            frame = RgbdFrame(true.stamp_ns, FRAME_ID, shot.color, shot.depth, shot.intrinsics)
            yield Frame(
                frame, true, from_pelvis_state(state), (*low, *high),
                np.zeros(len(NAMES), bool), k - self.first < self.rest,
            )  # fmt: skip


# The recording's truth has the joints only; what hangs on a joint is put there.
NEAREST = {"heel": "ankle", "toe": "ankle", "pinky": "wrist", "index": "wrist", "thumb": "wrist"}


def whole(pose):
    """All 33 keypoints of a pose of fewer."""

    def stand_in(name):
        if name in pose.names:
            return name
        side, _, part = name.rpartition("_")
        near = f"{side}_{NEAREST.get(part, '')}"
        return near if near in pose.names else "nose" if "nose" in pose.names else "l_shoulder"

    index = [pose.names.index(stand_in(name)) for name in NAMES]
    rows = ("position", "covariance", "status", "reason", "visibility", "pixel")
    return replace(pose, names=NAMES, **{row: getattr(pose, row)[index] for row in rows})


def messages(topic):
    from rclpy.serialization import deserialize_message

    kinds = {"/truth/body/pose": msg.BodyPose, "/truth/pelvis/state": msg.PelvisState,
             "/truth/quality/repetition": msg.Repetition, "/emg/raw": msg.EmgRaw}  # fmt: skip
    with BagReader(BAG) as bag:
        return [deserialize_message(m.data, kinds[topic]) for m in bag.messages([topic])]
