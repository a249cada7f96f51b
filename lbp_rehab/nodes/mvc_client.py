"""The other end of ``calibrate_mvc``: asks a running sEMG bridge for a maximal contraction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from lbp_rehab.emg.types import Channel, Muscle, Quality, Side
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.msg import EmgActivation
from lbp_rehab.nodes import qos
from lbp_rehab.srv import CalibrateMvc

FIND_S = 5.0  # discovery takes about one
REST_S = 5.0  # for the bridge to see the muscles at rest, above which a contraction must rise
ANSWER_S = 8.0  # beyond the contraction
STEP_S = 0.05


@dataclass(frozen=True)
class MvcAnswer:
    """What a contraction gave; the fields of the service's answer."""

    mvc_v: dict[str, float]
    refused: dict[str, str]
    message: str
    stored: str


class MvcClient:
    """A node of its own that follows ``emg/activation`` and calls ``calibrate_mvc``.

    Parameters
    ----------
    namespace : str
        Of the running graph.
    domain_id : int, optional
        Of DDS; by default that of the environment.

    Attributes
    ----------
    channels : tuple of Channel
        Of the running bridge, as last seen.
    calibrated : set of str
        Labels of channels that its activations show to be calibrated.
    """

    def __init__(self, namespace: str, domain_id: int | None = None) -> None:
        self.channels: tuple[Channel, ...] = ()
        self.calibrated: set[str] = set()
        self._context = rclpy.Context()
        # Ctrl-C is the command's: rclpy's own handler would end the context under our hands.
        rclpy.init(
            context=self._context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        space = namespace.strip("/")
        self._node = rclpy.create_node(
            "mvc_guide", context=self._context, namespace=f"/{space}" if space else None
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._node.create_subscription(EmgActivation, "emg/activation", self._see, qos.RESULT)
        self._client = self._node.create_client(CalibrateMvc, "calibrate_mvc")
        self._service = self._node.resolve_service_name("calibrate_mvc")

    def find(self) -> None:
        """Wait for the bridge and its channels, and for these to be seen at rest if they can be.

        Raises
        ------
        InputError
            If there is none, or it has no sEMG.
        """
        if not self._spin(self._client.service_is_ready, FIND_S):
            raise InputError(
                f"no emg_bridge answers at {self._service}; start the graph first, for "
                "example lbp-rehab run --emg lsl:name=NAME, and give its --namespace"
            )
        if not self._spin(lambda: bool(self.channels), FIND_S):
            raise InputError(
                "emg_bridge runs but gets no sEMG; look for the stream with lbp-rehab emg-check"
            )
        self._spin(lambda: all(map(_seen_at_rest, self.channels)), REST_S)

    def record(
        self,
        labels: Sequence[str],
        highest_v: Sequence[float],
        duration_s: float,
        meanwhile: Callable[[float], None],
    ) -> MvcAnswer:
        """Let the bridge record a contraction.

        Parameters
        ----------
        labels : sequence of str
            Channels to calibrate.
        highest_v : sequence of float
            Of each, what earlier repeats gave in volts; it is kept if this one gives less.
        duration_s : float
        meanwhile : callable
            Is told, again and again, how many seconds are left.

        Raises
        ------
        InputError
            If the bridge goes away.
        """
        request = CalibrateMvc.Request(
            duration_s=duration_s, only=list(labels), highest_v=list(highest_v)
        )
        end = time.monotonic() + duration_s
        future = self._client.call_async(request)

        def answered() -> bool:
            meanwhile(max(0.0, end - time.monotonic()))
            return bool(future.done())

        if not self._spin(answered, duration_s + ANSWER_S):
            raise InputError("emg_bridge does not answer any more; is the graph still running?")
        answer = future.result()
        assert answer is not None
        return MvcAnswer(
            mvc_v=dict(zip(answer.labels, answer.mvc_v, strict=True)),
            refused=dict(zip(answer.refused, answer.reasons, strict=True)),
            message=answer.message,
            stored=answer.stored,
        )

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=1.0)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _see(self, message: EmgActivation) -> None:
        rows = [muscle.channel for muscle in message.muscles]
        self.channels = tuple(
            Channel(
                row.label, Muscle(row.muscle), Side(row.side), Quality(row.quality), row.noise_v
            )
            for row in rows
        )
        for muscle in message.muscles:
            # Other reasons do not tell.
            if muscle.activation.status == Status.MEASURED:
                self.calibrated.add(muscle.channel.label)
            elif muscle.activation.reason == Reason.NOT_CALIBRATED:
                self.calibrated.discard(muscle.channel.label)

    def _spin(self, done: Callable[[], bool], limit_s: float) -> bool:
        """Let messages in until something is done; return whether it was in time."""
        deadline = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=STEP_S)
        return True


def _seen_at_rest(channel: Channel) -> bool:
    """Whether a channel's rest is known, or cannot be for a fault."""
    faulty = channel.quality is not Quality.UNKNOWN and not channel.quality.usable
    return faulty or channel.noise_v > 0
