"""Node: a camera, folder, video or bag in, realsense2_camera's topics out."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image

from lbp_rehab.camera.sources import CameraSource, Shot, SourceSettings, open_source
from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos, readers
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import NANOSECONDS
from lbp_rehab.nodes.images import to_images
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.nodes.pose_estimator import COLOR, DEPTH, INFO


class CameraDriverNode(LbpNode):
    """See the parameter table and `lbp_rehab.camera.sources`."""

    NAME = "camera_driver"
    PARAMETERS = (
        Parameter(
            "source", "webcam:0", "folder:, video:, webcam:, realsense:, bag:, synthetic: or none"
        ),
        Parameter("frame_id", "camera_color_optical_frame", "REP-105 name of the optical frame"),
        Parameter("rate_hz", 0.0, "rate of a folder or asked of a camera [Hz]; 0: its own", 0, 240),
        Parameter("width", 640, "width asked of a camera [px]", 16, 7680),
        Parameter("height", 480, "height asked of a camera [px]", 16, 4320),
        Parameter("fov_deg", 69.0, "horizontal field of view without calibration [deg]", 10, 170),
        Parameter("loop", False, "start a recording again at its end"),
        Parameter("wait_for", [""], "topics that need a subscriber, or TOPIC=N, before beginning"),
        Parameter("wait_timeout_s", 30.0, "then it begins all the same [s]", 0.0, 3600.0),
        Parameter("exit_at_end", False, "end the whole process when the recording is over"),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        s = self.settings
        self._wanted = readers.parse(s["wait_for"])
        self._source: CameraSource | None = open_source(
            s["source"],
            SourceSettings(
                rate_hz=s["rate_hz"],
                width=s["width"],
                height=s["height"],
                fov_rad=float(np.deg2rad(s["fov_deg"])),
                loop=s["loop"],
            ),
        )
        self._color = self.advertise(Image, COLOR, qos.SENSOR)
        self._depth = self.advertise(Image, DEPTH, qos.SENSOR)
        self._info = self.advertise(CameraInfo, INFO, qos.SENSOR)
        self._stop = threading.Event()
        self._state = (DiagnosticStatus.OK, "starting")
        self._late = 0
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        """Publish frame after frame; on its own thread since sources block."""
        source = self._source
        if source is None:
            self._state = (DiagnosticStatus.OK, "off: another driver publishes the camera")
            return
        readers.wait(self, self._wanted, self.settings["wait_timeout_s"], self._stop)
        self._state = (DiagnosticStatus.OK, f"{source.name} runs")
        start_ns = self.get_clock().now().nanoseconds
        steady_start = time.monotonic_ns()
        try:
            for shot in source.shots():
                if shot.offset_ns is None:
                    stamp_ns = self.get_clock().now().nanoseconds
                else:
                    stamp_ns = start_ns + shot.offset_ns
                    self._wait_until(steady_start + shot.offset_ns)
                if self._stop.is_set():
                    return
                self._publish(stamp_ns, shot)
            self._state = (DiagnosticStatus.OK, f"{source.name} is over")
        except Exception as error:  # a device may fail in any way; the node says so and stays
            known = isinstance(error, InputError)
            self._state = (DiagnosticStatus.ERROR, str(error) if known else repr(error))
            self.get_logger().error(str(error) if known else traceback.format_exc())
        if self.settings["exit_at_end"]:
            self.finish()

    def _publish(self, stamp_ns: int, shot: Shot) -> None:
        if shot.bad:
            self.drop("camera", shot.bad)
            return
        frame = RgbdFrame(
            stamp_ns, self.settings["frame_id"], shot.color, shot.depth, shot.intrinsics
        )
        color, depth, info = to_images(frame)
        self._info(info)
        self._color(color)
        if depth is not None:
            self._depth(depth)

    def _wait_until(self, due_ns: int) -> None:
        left = due_ns - time.monotonic_ns()
        if left > 0:
            self._stop.wait(left / NANOSECONDS)
        elif left < -NANOSECONDS:
            self._late += 1

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say which source runs."""
        level, sentence = self._state
        return level, sentence, {"frames_over_1_s_late": str(self._late)}

    def close(self) -> None:
        """Stop the thread and release the camera."""
        self._stop.set()
        self._thread.join(timeout=2.0)
        if self._source is not None:
            self._source.close()


def main() -> int:
    """Run the node."""
    return run(CameraDriverNode)


if __name__ == "__main__":
    sys.exit(main())
