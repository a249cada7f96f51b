"""Node: colour and depth in, the patient's 3D pose out."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from lbp_rehab import msg
from lbp_rehab.compat import ApproximateTimeSynchronizer, SimpleFilter
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import NANOSECONDS, to_ns
from lbp_rehab.nodes.convert_wire import body_pose_data, markers_data
from lbp_rehab.nodes.images import to_frame
from lbp_rehab.nodes.markers import support_transform
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.pose.backends import FORMS
from lbp_rehab.pose.calibrated import parse_support
from lbp_rehab.pose.estimator import PoseEstimator, PoseSettings
from lbp_rehab.pose.smoothing import OneEuroSettings
from lbp_rehab.pose.subject import RULES, SubjectRule
from lbp_rehab.pose.support import GravityRule
from lbp_rehab.pose.support_tracker import Change
from lbp_rehab.pose.types import BodyPose

COLOR = "camera/color/image_raw"
DEPTH = "camera/aligned_depth_to_color/image_raw"
INFO = "camera/color/camera_info"
DEPTH_MISSING_NS = NANOSECONDS  # without depth for this long, colour alone is used at once
# While images queue up, an executor hands over the next colour before the depth of the last.
MOST_WAITING = 2


class PoseEstimatorNode(LbpNode):
    """See the parameter table and `lbp_rehab.pose.estimator`."""

    NAME = "pose_estimator"
    PARAMETERS = (
        Parameter("backend", "blazepose", "2D estimator: " + ", ".join(FORMS)),
        Parameter("subject", "mat", "who the patient is: " + ", ".join(RULES)),
        Parameter("gravity", "auto", "up direction: auto, overhead, or x,y,z in the optical frame"),
        Parameter("support", "", "measured plane: up and camera's height [m], x,y,z,height"),
        Parameter("person_id", "", "pseudonymous id of the patient, never a name"),
        Parameter("sync_slop_s", 0.015, "colour and depth stamps may differ by this [s]", 0.0, 0.5),
        Parameter("max_sigma_m", 0.03, "a less certain point is unknown [m]", 0.01, 1.0),
        Parameter("max_sigma_no_depth_m", 0.4, "the same in colour alone [m]", 0.01, 2.0),
        Parameter("smoothing_cutoff_hz", 1.5, "One Euro cut-off at rest [Hz]", 0.05, 50.0),
        Parameter("smoothing_beta", 3.0, "One Euro rise of the cut-off with speed [1/m]", 0.0, 100),
        Parameter("census_period_s", 1.0, "how often other people are looked for [s]", 0.1, 60.0),
        Parameter("switch_after_s", 2.5, "change to a preferred person after [s]", 0.0, 60.0),
        Parameter("hold_s", 0.3, "how long a lost pose is held [s]", 0.0, 5.0),
        Parameter("support_period_s", 2.0, "how often the support plane is checked [s]", 0.1, 60.0),
        Parameter("publish_tf", True, "publish the support plane as frame 'support' on /tf"),
        Parameter("seed", 0, "seed of the support plane's random hypotheses", 0, 2**31 - 1),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        s = self.settings
        self._estimator = PoseEstimator(
            PoseSettings(
                backend=s["backend"],
                subject=SubjectRule.parse(s["subject"]),
                gravity=GravityRule.parse(s["gravity"]),
                support=parse_support(s["support"]),
                max_sigma_m=s["max_sigma_m"],
                max_sigma_no_depth_m=s["max_sigma_no_depth_m"],
                census_period_s=s["census_period_s"],
                switch_after_s=s["switch_after_s"],
                hold_s=s["hold_s"],
                support_period_s=s["support_period_s"],
                smoothing=OneEuroSettings(s["smoothing_cutoff_hz"], s["smoothing_beta"]),
                seed=s["seed"],
            )
        )
        self._last_change = Change.NONE
        self._publish_pose = self.advertise(msg.BodyPose, "body/pose", qos.RESULT)
        self._publish_markers = self.advertise(MarkerArray, "body/markers", qos.RESULT)
        self._publish_tf = self.advertise(TFMessage, "/tf", qos.RESULT)
        self._info: CameraInfo | None = None
        self._waiting: deque[Image] = deque()  # colour images that still wait for their depth
        self._depth_topic = self.resolve_topic_name(DEPTH)
        self._first_color_ns = 0
        self._last_depth_ns: int | None = None
        self._last_pose: BodyPose | None = None
        self._color, self._depth = SimpleFilter(), SimpleFilter()
        pairs = ApproximateTimeSynchronizer([self._color, self._depth], 10, s["sync_slop_s"])
        pairs.registerCallback(self._on_pair)
        self.subscribe(CameraInfo, INFO, self._on_info, qos.IMAGES)
        self.subscribe(Image, COLOR, self._on_color, qos.IMAGES)
        self.subscribe(Image, DEPTH, self._on_depth, qos.IMAGES)

    def _on_info(self, info: CameraInfo) -> None:
        self._info = info

    def _on_color(self, color: Image) -> None:
        self._waiting.append(color)
        if not self._depth_flows(to_ns(color.header.stamp)):
            self._do_without(len(self._waiting))
            return
        self._color.signalMessage(color)
        self._do_without(len(self._waiting) - MOST_WAITING)

    def _depth_flows(self, now_ns: int) -> bool:
        since_ns = self._last_depth_ns
        if since_ns is None and self.count_publishers(self._depth_topic):
            # The first one is on its way.
            since_ns = self._first_color_ns = self._first_color_ns or now_ns
        return since_ns is not None and abs(now_ns - since_ns) < DEPTH_MISSING_NS

    def _on_depth(self, depth: Image) -> None:
        self._last_depth_ns = depth_ns = to_ns(depth.header.stamp)
        self._depth.signalMessage(depth)
        # Depth comes in order: what is older now does not get any more.
        before_ns = depth_ns - round(self.settings["sync_slop_s"] * NANOSECONDS)
        self._do_without(sum(to_ns(c.header.stamp) < before_ns for c in self._waiting))

    def _on_pair(self, color: Image, depth: Image) -> None:
        place = next((k for k, c in enumerate(self._waiting) if c is color), None)
        if place is not None:
            self._do_without(place)
            self._waiting.popleft()
            self._estimate(color, depth)

    def _do_without(self, count: int) -> None:
        """Estimate the oldest colour images that wait from colour alone."""
        for _ in range(count):
            self._estimate(self._waiting.popleft(), None)

    def _estimate(self, color: Image, depth: Image | None) -> None:
        if self._info is None:
            raise InputError(f"no camera intrinsics yet; is {INFO} published?")
        pose = self._estimator.update(to_frame(color, depth, self._info))
        pose = replace(pose, person_id=self.settings["person_id"])
        self._last_pose = pose
        if self._estimator.support_change != Change.NONE:
            self._last_change = self._estimator.support_change
        self._publish_pose(body_pose_data(pose))
        self._publish_markers(markers_data(pose))
        if self.settings["publish_tf"] and pose.support is not None and pose.support.height.known:
            self._publish_tf(TFMessage(transforms=[support_transform(pose)]))

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say whether the patient is seen, and how well."""
        pose = self._last_pose
        if pose is None:
            missing = INFO if self.received[COLOR] and self._info is None else COLOR
            return DiagnosticStatus.WARN, f"waiting for {missing}", {}
        values = {
            "mode": pose.mode.name,
            "posture": pose.posture.name,
            "people_in_view": str(pose.people_in_view),
            "track_id": str(pose.track_id),
            "gravity_known": str(pose.support is not None).lower(),
            "support_agrees": str(self._estimator.support_agrees).lower(),
            "support_changed": self._last_change.value,
            "bones_learnt": f"{100 * self._estimator.bones_learnt:.0f} %",
        }
        if not pose.known("l_hip") and not pose.known("r_hip"):
            return DiagnosticStatus.WARN, "the patient is not seen", values
        if self.settings["support"] and not self._estimator.support_agrees:
            sentence = "the parameter 'support' does not fit what the camera sees; measure it anew"
            return DiagnosticStatus.WARN, sentence, values
        return DiagnosticStatus.OK, f"the patient is seen ({pose.mode.name})", values


def main() -> int:
    """Run the node."""
    return run(PoseEstimatorNode)


if __name__ == "__main__":
    sys.exit(main())
