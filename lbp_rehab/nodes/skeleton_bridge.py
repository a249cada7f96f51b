"""Node: another tracker's skeletons, from a file or a topic, to ``body/pose``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseArray
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import to_body_pose, to_ns
from lbp_rehab.nodes.markers import to_markers
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.nodes.skeleton_player import SkeletonPlayer
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.skeletons.axes import UPS
from lbp_rehab.skeletons.bodies import Body, BodyChooser, bodies_of_markers
from lbp_rehab.skeletons.convert import Converter, ConverterSettings
from lbp_rehab.skeletons.csv_file import CsvOptions, read_csv
from lbp_rehab.skeletons.layouts import LAYOUTS, find_layout
from lbp_rehab.skeletons.units import UNITS

MARKERS = "body_tracking_data"  # Azure_Kinect_ROS_Driver's name
POSES = "skeleton/poses"
FILE = "file:"


class SkeletonBridgeNode(LbpNode):
    """Takes the place of camera_driver and pose_estimator; see `lbp_rehab.skeletons.convert`."""

    NAME = "skeleton_bridge"
    PARAMETERS = (
        Parameter("source", "none", "file:PATH.csv, markers, poses or none"),
        Parameter("layout", "", "joints; empty: azure32 for markers", choices=("", *LAYOUTS)),
        Parameter("unit", "", "of a file or of poses; empty: told by the size of the body, m",
                  choices=("", *UNITS)),
        Parameter("rate_hz", 0.0, "rows a second of a file without time [Hz]", 0.0, 1000.0),
        Parameter("up", "", "axis against gravity; empty: the layout's", choices=("", *UPS)),
        Parameter("left_handed", False, "the tracker's axes are left-handed, as Unity's are"),
        Parameter("sigma_mm", 0.0, "of a tracked joint, an axis [mm]; 0: the layout's", 0, 500),
        Parameter("up_sigma_deg", 5.0, "1-sigma of the direction of up [deg]", 0.01, 45.0),
        Parameter("frame_id", "skeleton_optical_frame", "frame of body/pose"),
        Parameter("person_id", "", "pseudonymous id of the patient, never a name"),
        Parameter("loop", False, "start a file again at its end"),
        Parameter("wait_for", [""], "topics that need a subscriber, or TOPIC=N, before beginning"),
        Parameter("wait_timeout_s", 30.0, "then it begins all the same [s]", 0.0, 3600.0),
        Parameter("exit_at_end", False, "end the whole process when the file is over"),
    )  # fmt: skip

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        s = self.settings
        source = s["source"]
        if source not in ("none", "markers", "poses") and not source.startswith(FILE):
            raise InputError(f"source '{source}' is none of file:PATH.csv, markers, poses or none")
        if not s["layout"] and source not in ("none", "markers"):
            raise InputError(f"give the parameter 'layout': one of {', '.join(LAYOUTS)}")
        self._layout = find_layout(s["layout"] or "azure32")
        settings = ConverterSettings(
            up=s["up"],
            left_handed=s["left_handed"],
            sigma_m=s["sigma_mm"] / 1000.0,
            up_sigma_rad=math.radians(s["up_sigma_deg"]),
            frame_id=s["frame_id"],
            person_id=s["person_id"],
        )
        self._converter = Converter(self._layout, settings)
        self._chooser = BodyChooser()
        self._last: BodyPose | None = None
        self._state = (DiagnosticStatus.OK, "no source of skeletons is set")
        self._publish_pose = self.advertise(msg.BodyPose, "body/pose", qos.RESULT)
        self._publish_markers = self.advertise(MarkerArray, "body/markers", qos.RESULT)
        self._player: SkeletonPlayer | None = None
        if source == "markers":
            self._wait_on(MARKERS)
            self.subscribe(MarkerArray, MARKERS, self._on_markers, qos.IMAGES)
        elif source == "poses":
            self._wait_on(POSES)
            self.subscribe(PoseArray, POSES, self._on_poses, qos.IMAGES)
        elif source.startswith(FILE):
            self._begin_file(Path(source.removeprefix(FILE)).expanduser())

    def _wait_on(self, topic: str) -> None:
        self._state = (DiagnosticStatus.WARN, f"waiting for {topic}")

    def _on_markers(self, message: MarkerArray) -> None:
        there = [m for m in message.markers if m.action == Marker.ADD]
        if not there:
            return  # an empty array has no stamp; the scorer sees the silence
        points = np.array([[getattr(m.pose.position, a) for a in "xyz"] for m in there])
        bodies = bodies_of_markers([m.id for m in there], points, self._layout)
        self._take(to_ns(there[0].header.stamp), self._chooser.choose(bodies))

    def _on_poses(self, message: PoseArray) -> None:
        points = np.array([[getattr(p.position, a) for a in "xyz"] for p in message.poses])
        scale = UNITS[self.settings["unit"] or "m"]
        body = Body.of_points(scale * points.reshape(-1, 3), self._layout)
        self._take(to_ns(message.header.stamp), self._chooser.choose({0: body}))

    def _take(self, stamp_ns: int, body: Body | None) -> None:
        if body is None:
            return
        self._state = (DiagnosticStatus.OK, f"skeletons of {self._layout.title} come")
        self._publish(stamp_ns, body, self._chooser.track_id)

    def _publish(self, stamp_ns: int, body: Body, track_id: int = 1) -> None:
        pose = self._converter.pose(stamp_ns, body.position, body.status, body.visibility, track_id)
        self._last = pose
        self._publish_pose(to_body_pose(pose))
        self._publish_markers(to_markers(pose))

    def _begin_file(self, path: Path) -> None:
        options = CsvOptions(self.settings["rate_hz"], self.settings["unit"])
        recording = read_csv(path, self._layout, options)
        for report in recording.reports:
            self.get_logger().warning(f"{path.name}: {report}")
        self._player = SkeletonPlayer(self, path.name, recording, self._publish)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say where skeletons come from, and whether the body holds together."""
        level, sentence = self._player.state if self._player is not None else self._state
        values = {"layout": self._layout.name}
        if self._last is not None:
            values |= {"posture": self._last.posture.name, "track_id": str(self._last.track_id)}
            spread, mean = self._converter.bones.spread()
            if np.isfinite(spread).any():
                values["bones_vary_percent"] = f"{100 * np.nanmax(spread / mean):.0f}"
        return level, sentence, values

    def close(self) -> None:
        """Stop playing."""
        if self._player is not None:
            self._player.close()


def main() -> int:
    """Run the node."""
    return run(SkeletonBridgeNode)


if __name__ == "__main__":
    sys.exit(main())
