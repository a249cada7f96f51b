"""The neutral of the pelvis: taken from the first still moment, or by ``calibrate_neutral``."""

from __future__ import annotations

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.task import Future

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.convert import NANOSECONDS, to_estimate, to_stamp
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.neutral import Collector, Sample
from lbp_rehab.pelvis.segments import cardan
from lbp_rehab.srv import CalibrateNeutral

GRACE_S = 3.0  # beyond the duration of a calibration, before it gives up waiting for poses
LONGEST_S = 60.0


class NeutralCalibration:
    """Gives the estimator its neutral from the samples that pass by.

    Parameters
    ----------
    node : LbpNode
        With the parameters ``neutral_duration_s``, ``auto_neutral`` and ``auto_neutral_within_s``.
    estimator : PelvisEstimator
        Gets the neutral.
    """

    def __init__(self, node: LbpNode, estimator: PelvisEstimator) -> None:
        self._node, self._estimator = node, estimator
        self._collector: Collector | None = None
        self._collected: Future | None = None
        self._automatic: Collector | None = None
        self._first_ns: int | None = None
        if node.settings["auto_neutral"]:
            self._automatic = Collector(node.settings["neutral_duration_s"], automatic=True)
        # Reentrant: poses must come in while the service waits for them.
        group = ReentrantCallbackGroup()
        node.serve(CalibrateNeutral, "calibrate_neutral", self._calibrate, callback_group=group)

    @property
    def possible(self) -> bool:
        """Whether there is a neutral, or one may still be taken without the service."""
        return self._estimator.neutral is not None or self._automatic is not None

    def add(self, sample: Sample | None, stamp_ns: int) -> None:
        """Take the pelvis of the next pose; None if it is unknown."""
        if self._automatic is not None:
            self._try_automatic(self._automatic, sample, stamp_ns)
        if self._collector is not None and self._collector.add(sample, stamp_ns):
            collector, self._collector = self._collector, None
            if self._collected is not None:
                self._collected.set_result(collector)

    def _try_automatic(self, automatic: Collector, sample: Sample | None, stamp_ns: int) -> None:
        """Take the neutral while the patient still rests; a still moment later on is a hold."""
        if self._first_ns is None:
            if sample is None:
                return  # nobody in view yet
            self._first_ns = stamp_ns
        within_s = self._node.settings["auto_neutral_within_s"]
        if automatic.add(sample, stamp_ns):
            self._estimator.neutral, self._automatic = automatic.result(), None
            self._node.get_logger().info("neutral taken from the first still moment")
        elif (stamp_ns - self._first_ns) / NANOSECONDS > within_s:
            self._automatic = None
            self._node.get_logger().warning(
                "no still moment for a neutral at the start; call calibrate_neutral"
            )

    async def _calibrate(
        self, request: CalibrateNeutral.Request, response: CalibrateNeutral.Response
    ) -> CalibrateNeutral.Response:
        if self._collector is not None:
            response.message = "a calibration is already running"
            return response
        duration = request.duration_s or self._node.settings["neutral_duration_s"]
        if not 0 < duration <= LONGEST_S:
            response.message = (
                f"duration_s is {duration}; it must be between 0 and {LONGEST_S:g} seconds"
            )
            return response
        self._collector = pending = Collector(duration)
        self._collected = done = Future(executor=self._node.executor)
        # Poses may stop coming: then answer with what there is.
        patience = self._node.create_timer(
            duration + GRACE_S,
            lambda: None if done.done() else done.set_result(pending),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        collector: Collector = await done
        self._node.destroy_timer(patience)
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
