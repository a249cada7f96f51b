"""The service ``calibrate_mvc`` of the sEMG bridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.task import Future

from lbp_rehab.emg.activation import EmgPipeline
from lbp_rehab.emg.mvc import MvcRecording, MvcStore
from lbp_rehab.emg.types import Activation, Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.last_answers import let_answers_out
from lbp_rehab.srv import CalibrateMvc

GRACE_S = 3.0  # beyond the duration of a calibration, before it gives up waiting for samples
LONGEST_S = 60.0
STOPS = "the node stops; nothing was calibrated"


class MvcService:
    """Records a maximal contraction from the activations that pass by.

    Parameters
    ----------
    node : LbpNode
        With the parameters ``mvc_duration_s`` and ``mvc_window_s``.
    pipeline : EmgPipeline
        Gets the calibration.
    store : callable
        Gives where to store what is calibrated, or None.
    """

    def __init__(
        self, node: LbpNode, pipeline: EmgPipeline, store: Callable[[], MvcStore | None]
    ) -> None:
        self._node = node
        self._store = store
        self._pipeline = pipeline
        self._recording: MvcRecording | None = None
        self._done: Future | None = None
        self._closed = False
        # Its own group: while it waits, the samples that it waits for must come in.
        group = ReentrantCallbackGroup()
        node.serve(CalibrateMvc, "calibrate_mvc", self._calibrate, callback_group=group)

    def add(self, activation: Activation) -> None:
        """Take the next instant; on any thread."""
        recording = self._recording
        if recording is not None and recording.add(activation):
            self._finish()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(self._recording)
        self._recording = None

    def close(self) -> None:
        """Answer a calibration that is running: it failed."""
        self._closed = True
        self._finish()
        let_answers_out(self._node, lambda: self._done is None)

    def _keep(self, mvc_v: Mapping[str, float], response: CalibrateMvc.Response) -> None:
        """Put a calibration into force and store it; say so in the answer."""
        self._pipeline.calibrate(mvc_v)
        try:
            if (store := self._store()) is None:
                return
            store.add(mvc_v)
        except InputError as error:
            response.message += f"; but {error}"
            return
        response.stored = f"{store.person}, session {store.session}"
        response.message += f"; stored for {response.stored}"

    async def _calibrate(
        self, request: CalibrateMvc.Request, response: CalibrateMvc.Response
    ) -> CalibrateMvc.Response:
        settings = self._node.settings
        duration_s = request.duration_s or settings["mvc_duration_s"]
        try:
            muscle, side = Muscle(request.muscle), Side(request.side)
        except ValueError as error:
            response.message = f"unknown muscle or side: {error}"
            return response
        if self._closed:
            response.message = STOPS
            return response
        if self._done is not None:
            response.message = "a calibration is already running"
            return response
        if not 0 < duration_s <= LONGEST_S:
            response.message = f"duration_s is {duration_s}; it must be between 0 and {LONGEST_S}"
            return response
        if len(request.highest_v) not in (0, len(request.only)):
            response.message = "highest_v must have one value for each label of only, or none"
            return response
        window_s, only = settings["mvc_window_s"], list(request.only)
        self._recording = MvcRecording(muscle, side, duration_s, window_s, only)
        self._done = Future(executor=self._node.executor)
        # Samples may stop coming: then answer with what there is.
        patience = self._node.create_timer(
            duration_s + GRACE_S, self._finish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        recording = await self._done
        self._done = None
        self._node.destroy_timer(patience)
        if self._closed:
            response.message = STOPS
            return response
        result = recording.result()
        response.success, response.message = bool(result.mvc_v), result.message
        response.labels, response.mvc_v = list(result.mvc_v), list(result.mvc_v.values())
        response.refused, response.reasons = list(result.refused), list(result.refused.values())
        if result.mvc_v:
            before = dict(zip(only, request.highest_v, strict=False))
            highest = {k: max(v, before.get(k, 0.0)) for k, v in result.mvc_v.items()}
            self._keep(highest, response)
        return response
