"""Node: the patient's pose and the depth of its instant in; pelvic angles and breathing out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import MarkerArray

from lbp_rehab import msg
from lbp_rehab.breath.estimator import BreathEstimator
from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.nodes.convert_wire import (
    breath_data,
    pelvis_landmarks_data,
    pelvis_markers_data,
    pelvis_state_data,
    read_body_pose,
)
from lbp_rehab.nodes.depth_pairing import DepthPairing
from lbp_rehab.nodes.images import to_depth, to_intrinsics
from lbp_rehab.nodes.neutral_calibration import NeutralCalibration
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.nodes.pose_estimator import DEPTH, INFO
from lbp_rehab.pelvis.estimator import PelvisEstimator, PelvisSettings
from lbp_rehab.pelvis.landmarks import landmarks_of
from lbp_rehab.pelvis.types import Method, PelvisState
from lbp_rehab.pose.types import BodyPose

# A pose comes after its depth image by what pose_estimator's queues hold, the transport's and its
# synchroniser's of ten.
KEPT_IMAGES = qos.IMAGES.depth + 10


class PelvicAngleEstimatorNode(LbpNode):
    """See the parameter table and `lbp_rehab.pelvis.estimator`."""

    NAME = "pelvic_angle_estimator"
    PARAMETERS = (
        Parameter("neutral_duration_s", 1.5, "how long a neutral is averaged [s]", 0.2, 60.0),
        Parameter("auto_neutral", True, "take the neutral from the first still moment"),
        Parameter("auto_neutral_within_s", 8.0, "of first seeing the patient [s]", 0.5, 600.0),
        Parameter("max_sigma_deg", 10.0, "a less certain angle is unknown [deg]", 1.0, 90.0),
        Parameter("max_sigma_m", 0.05, "a less certain landmark is unknown [m]", 0.005, 1.0),
        Parameter("sync_slop_s", 0.015, "pose and depth stamps may differ by this [s]", 0.0, 0.5),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        limit = float(np.deg2rad(self.settings["max_sigma_deg"]))
        self._estimator = PelvisEstimator(PelvisSettings(max_sigma_rad=limit))
        self._publish = self.advertise(msg.PelvisState, "pelvis/state", qos.RESULT)
        self._publish_landmarks = self.advertise(
            msg.PelvisLandmarks, "pelvis/landmarks", qos.RESULT
        )
        self._breath = BreathEstimator()
        self._publish_breath = self.advertise(msg.Breath, "body/breath", qos.RESULT)
        self._publish_markers = self.advertise(MarkerArray, "pelvis/markers", qos.RESULT)
        self._last: PelvisState | None = None
        self._info: CameraInfo | None = None
        self._lacking = ""  # why the last pose had no depth
        self._without_depth = 0
        self._pairs: DepthPairing[BodyPose, Image] = DepthPairing(
            self._estimate, self.settings["sync_slop_s"], KEPT_IMAGES
        )
        self.subscribe(CameraInfo, INFO, self._on_info, qos.IMAGES)
        self.subscribe(Image, DEPTH, self._on_depth, qos.IMAGES)
        self.subscribe(msg.BodyPose, "body/pose", self._on_pose, qos.RESULT, raw=True)
        self._calibration = NeutralCalibration(self, self._estimator)

    def _on_info(self, info: CameraInfo) -> None:
        self._info = info

    def _on_depth(self, depth: Image) -> None:
        self._pairs.add_image(to_ns(depth.header.stamp), depth)

    def _on_pose(self, data: bytes) -> None:
        pose = read_body_pose(data)
        self._pairs.add_pose(pose.stamp_ns, pose)

    def _estimate(self, pose: BodyPose, image: Image | None) -> None:
        depth, camera = self._read(image)
        self._without_depth += depth is None
        state, sample = self._estimator.update(pose, depth, camera)
        self._last = state
        landmarks = landmarks_of(state, pose, depth, camera, self.settings["max_sigma_m"])
        self._publish(pelvis_state_data(state))
        self._publish_landmarks(pelvis_landmarks_data(state, landmarks))
        self._publish_markers(pelvis_markers_data(state, landmarks))
        self._publish_breath(breath_data(self._breath.update(pose, depth, camera)))
        self._calibration.add(sample, state.stamp_ns)

    def _read(self, image: Image | None) -> tuple[NDArray[np.uint16] | None, Intrinsics | None]:
        """Return depth and camera; neither, and why, if the pelvis must do without."""
        self._lacking = ""
        if image is None:
            slop = f"no depth image within {self.settings['sync_slop_s']:g} s of the pose"
            self._lacking = slop if self.received[DEPTH] else f"nothing arrives on {DEPTH}"
        elif self._info is None:
            self._lacking = f"nothing arrives on {INFO}"
        else:
            try:
                camera = to_intrinsics(self._info)
                return to_depth(image, camera), camera
            except InputError as error:
                self._lacking = str(error)
                self.drop(DEPTH, self._lacking)
        return None, None

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say whether the pelvis is measured, how, and against which zero."""
        if self._last is None:
            return DiagnosticStatus.WARN, "waiting for body/pose", {}
        tilt = self._last.absolute.tilt
        values = {
            "neutral_known": str(self._estimator.neutral is not None).lower(),
            "method": self._last.method.name,
            "poses_without_depth": str(self._without_depth),
        }
        if tilt.known:
            values["tilt_deg"] = f"{np.rad2deg(tilt.value):.1f}"
            values["tilt_sigma_deg"] = f"{np.rad2deg(tilt.sigma):.1f}"
        if not self._calibration.possible:
            return DiagnosticStatus.WARN, "no neutral: call calibrate_neutral", values
        if not tilt.known:
            return DiagnosticStatus.WARN, f"tilt is unknown: {tilt.reason.name}", values
        if self._last.method != Method.SURFACE:
            sentence = f"the pelvis is taken from hips and shoulders: {self._lacking}"
            return DiagnosticStatus.WARN, sentence, values
        return DiagnosticStatus.OK, "the pelvis is measured", values

    def close(self) -> None:
        """Give the last pose its state, which may still wait for a depth image."""
        self._pairs.flush()


def main() -> int:
    """Run the node."""
    return run(PelvicAngleEstimatorNode)


if __name__ == "__main__":
    sys.exit(main())
