"""Node: the patient's pose in, pelvic and lumbar angles out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.task import Future

from lbp_rehab import msg
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import (
    NANOSECONDS,
    from_body_pose,
    to_estimate,
    to_pelvis_state,
    to_stamp,
)
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.pelvis.estimator import PelvisEstimator, PelvisSettings
from lbp_rehab.pelvis.neutral import Collector, Sample
from lbp_rehab.pelvis.segments import cardan
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.srv import CalibrateNeutral

GRACE_S = 3.0  # beyond the duration of a calibration, before it gives up waiting for poses


class PelvicAngleEstimatorNode(LbpNode):
    """See the parameter table and `lbp_rehab.pelvis.estimator`."""

    NAME = "pelvic_angle_estimator"
    PARAMETERS = (
        Parameter("neutral_duration_s", 1.5, "how long a neutral is averaged [s]", 0.2, 60.0),
        Parameter("auto_neutral", True, "take the neutral from the first still moment"),
        Parameter("auto_neutral_within_s", 8.0, "of first seeing the patient [s]", 0.5, 600.0),
        Parameter("max_sigma_deg", 25.0, "a less certain angle is unknown [deg]", 1.0, 90.0),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        limit = float(np.deg2rad(self.settings["max_sigma_deg"]))
        self._estimator = PelvisEstimator(PelvisSettings(max_sigma_rad=limit))
        self._publish = self.advertise(msg.PelvisState, "pelvis/state", qos.RESULT)
        self._last: PelvisState | None = None
        self._collector: Collector | None = None
        self._collected: Future | None = None
        self._automatic: Collector | None = None
        self._first_ns: int | None = None
        if self.settings["auto_neutral"]:
            duration = self.settings["neutral_duration_s"]
            self._automatic = Collector(duration, automatic=True)
        self.subscribe(msg.BodyPose, "body/pose", self._on_pose, qos.RESULT)
        # Reentrant: poses must come in while the service waits for them.
        group = ReentrantCallbackGroup()
        self.serve(CalibrateNeutral, "calibrate_neutral", self._calibrate, callback_group=group)

    def _on_pose(self, message: msg.BodyPose) -> None:
        state, sample = self._estimator.update(from_body_pose(message))
        self._last = state
        self._publish(to_pelvis_state(state))
        if self._automatic is not None:
            self._try_automatic(self._automatic, sample, state.stamp_ns)
        if self._collector is not None and self._collector.add(sample, state.stamp_ns):
            collector, self._collector = self._collector, None
            if self._collected is not None:
                self._collected.set_result(collector)

    def _try_automatic(self, automatic: Collector, sample: Sample | None, stamp_ns: int) -> None:
        """Take the neutral while the patient still rests; a still moment later on is a hold."""
        if self._first_ns is None:
            if sample is None:
                return  # nobody in view yet
            self._first_ns = stamp_ns
        if automatic.add(sample, stamp_ns):
            self._estimator.neutral, self._automatic = automatic.result(), None
            self.get_logger().info("neutral taken from the first still moment")
        elif (stamp_ns - self._first_ns) / NANOSECONDS > self.settings["auto_neutral_within_s"]:
            self._automatic = None
            self.get_logger().warning(
                "no still moment for a neutral at the start; call calibrate_neutral"
            )

    async def _calibrate(
        self, request: CalibrateNeutral.Request, response: CalibrateNeutral.Response
    ) -> CalibrateNeutral.Response:
        if self._collector is not None:
            response.message = "a calibration is already running"
            return response
        duration = request.duration_s or self.settings["neutral_duration_s"]
        if not 0 < duration <= 60:
            response.message = f"duration_s is {duration}; it must be between 0 and 60 seconds"
            return response
        self._collector = pending = Collector(duration)
        self._collected = done = Future(executor=self.executor)
        # Poses may stop coming: then answer with what there is.
        patience = self.create_timer(
            duration + GRACE_S,
            lambda: None if done.done() else done.set_result(pending),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        collector: Collector = await done
        self.destroy_timer(patience)
        self._collector = None
        response.message = collector.problem()
        if response.message:
            return response
        neutral = collector.result()
        self._estimator.neutral, self._automatic = neutral, None
        response.success = True
        response.message = f"neutral averaged over {neutral.n_samples} poses"
        response.stamp = to_stamp(neutral.stamp_ns)
        response.n_samples = neutral.n_samples
        angles = [Estimate.unknown(Reason.NO_GRAVITY)] * 3
        if neutral.gravity:
            angles = [Estimate(float(a), neutral.sigma_rad) for a in cardan(neutral.axes)]
        response.tilt, response.obliquity, response.rotation = map(to_estimate, angles)
        lumbar = Estimate.unknown(Reason.TOO_UNCERTAIN)
        if neutral.lumbar_flexion is not None:
            lumbar = Estimate(neutral.lumbar_flexion, neutral.sigma_rad)
        response.lumbar_flexion = to_estimate(lumbar)
        return response

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say whether the pelvis is measured, and against which zero."""
        if self._last is None:
            return DiagnosticStatus.WARN, "waiting for body/pose", {}
        tilt = self._last.absolute.tilt
        values = {"neutral_known": str(self._estimator.neutral is not None).lower()}
        if self._estimator.neutral is None and self._automatic is None:
            sentence = "no neutral: call calibrate_neutral"
            return DiagnosticStatus.WARN, sentence, values
        if tilt.known:
            values["tilt_deg"] = f"{np.rad2deg(tilt.value):.1f}"
            values["tilt_sigma_deg"] = f"{np.rad2deg(tilt.sigma):.1f}"
            return DiagnosticStatus.OK, "the pelvis is measured", values
        return DiagnosticStatus.WARN, f"tilt is unknown: {tilt.reason.name}", values


def main() -> int:
    """Run the node."""
    return run(PelvicAngleEstimatorNode)


if __name__ == "__main__":
    sys.exit(main())
