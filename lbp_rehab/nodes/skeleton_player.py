"""Plays the frames of a skeleton file at their own pace, on a thread of its own."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab.nodes import readers
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.skeletons.bodies import Body
from lbp_rehab.skeletons.recording import SkeletonRecording
from lbp_rehab.stamps import NANOSECONDS


class SkeletonPlayer:
    """One recording, played once or in a loop.

    Parameters
    ----------
    node : LbpNode
        With the parameters ``loop``, ``wait_for``, ``wait_timeout_s`` and ``exit_at_end``.
    name : str
        Of the file.
    recording : SkeletonRecording
    publish : callable
        Takes the stamp in nanoseconds and the body.
    """

    def __init__(
        self,
        node: LbpNode,
        name: str,
        recording: SkeletonRecording,
        publish: Callable[[int, Body], None],
    ) -> None:
        self._node, self._name, self._recording, self._publish = node, name, recording, publish
        self._wanted = readers.parse(node.settings["wait_for"])
        self._stop = threading.Event()
        self.state = (DiagnosticStatus.OK, f"{name} is played")
        self._thread = threading.Thread(target=self._work, name="skeletons", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        settings = self._node.settings
        try:
            readers.wait(self._node, self._wanted, settings["wait_timeout_s"], self._stop)
            again = True
            while again and not self._stop.is_set():
                self._play_once()
                again = settings["loop"]
            self.state = (DiagnosticStatus.OK, f"{self._name} is over")
        except Exception:  # a defect of ours must not end the node without a word
            self.state = (DiagnosticStatus.ERROR, f"{self._name} cannot be played; see the log")
            self._node.get_logger().error(traceback.format_exc())
        if settings["exit_at_end"] and not self._stop.is_set():
            self._node.finish()

    def _play_once(self) -> None:
        frames = self._recording
        start_ns = self._node.get_clock().now().nanoseconds
        steady_ns = time.monotonic_ns()
        for i, offset_ns in enumerate(frames.stamps_ns.tolist()):
            left_ns = steady_ns + offset_ns - time.monotonic_ns()
            if self._stop.wait(max(left_ns, 0) / NANOSECONDS):
                return
            body = Body(frames.position[i], frames.status[i], frames.visibility[i])
            self._publish(start_ns + offset_ns, body)

    def close(self) -> None:
        """Stop playing."""
        self._stop.set()
        self._thread.join(timeout=2.0)
