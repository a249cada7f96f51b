"""The action server ``run_exercise_set``: one set at a time, in a single-threaded executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.action import CancelResponse, GoalResponse
from rclpy.task import Future

from lbp_rehab import msg
from lbp_rehab.action import RunExerciseSet
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.last_answers import let_answers_out

NAME = "run_exercise_set"


class ExerciseAction:
    """Serves the action; what a set is, its owner knows.

    The execute callback awaits a future, so that the node's other callbacks go on meanwhile.

    Parameters
    ----------
    node : LbpNode
    begin : callable
        Takes the goal and begins the set; raises InputError to refuse it.
    stop : callable
        Takes the reason and ends the set, which must call `ended`.
    """

    def __init__(
        self, node: LbpNode, begin: Callable[[Any], None], stop: Callable[[str], None]
    ) -> None:
        self._node, self._begin, self._stop = node, begin, stop
        self._goal: Any = None  # whose set is running
        self._unanswered: dict[bytes, Future] = {}
        self._clients: frozenset[bytes] = frozenset()
        self._closed = False
        self._server = node.serve_action(
            RunExerciseSet,
            NAME,
            execute_callback=self._execute,
            goal_callback=self._judge,
            handle_accepted_callback=self._accepted,
            cancel_callback=self._cancel,
        )

    def feedback(self, live: msg.QualityLive) -> None:
        """Tell the client how it goes, if there is one."""
        if self._goal is not None:
            if not self._clients:
                self._clients = self._listeners()
            self._goal.publish_feedback(RunExerciseSet.Feedback(live=live))

    def held(self) -> bool:
        """Whether the running set belongs to a goal whose client may still be there.

        A goal does not say which client sent it. It is given up when all clients are gone that
        were there when its set began, by their subscriptions to the feedback.
        """
        if self._goal is None:
            return False
        return not self._clients or bool(self._clients & self._listeners())

    def ended(self, result: RunExerciseSet.Result) -> None:
        """Give the client the result, if there is one."""
        goal, self._goal = self._goal, None
        if goal is not None:
            self._unanswered[_key(goal)].set_result(result)

    def close(self) -> None:
        """Send what is still to be answered, and stop serving."""
        self._closed = True
        let_answers_out(self._node, lambda: not self._unanswered)
        self._server.destroy()

    def _listeners(self) -> frozenset[bytes]:
        topic = f"{NAME}/_action/feedback"
        found = self._node.get_subscriptions_info_by_topic(topic)
        return frozenset(bytes(info.endpoint_gid) for info in found)

    def _judge(self, goal: RunExerciseSet.Goal) -> GoalResponse:
        try:
            if self._closed:
                raise InputError("the node stops")
            self._begin(goal)
        except InputError as error:
            self._node.get_logger().warning(f"{NAME} refused: {error}")
            return GoalResponse.REJECT
        except Exception as error:  # a defect of ours must not end a session with a patient
            self._node.get_logger().error(f"{NAME} refused, internal error: {error!r}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _accepted(self, goal: Any) -> None:
        self._goal, self._clients = goal, self._listeners()
        self._unanswered[_key(goal)] = Future(executor=self._node.executor)
        goal.execute()

    def _cancel(self, goal: Any) -> CancelResponse:
        try:
            if goal is self._goal:
                self._stop("cancelled")
        except Exception as error:
            self._node.get_logger().error(f"cancelling {NAME}, internal error: {error!r}")
        return CancelResponse.ACCEPT

    async def _execute(self, goal: Any) -> RunExerciseSet.Result:
        result: RunExerciseSet.Result = await self._unanswered[_key(goal)]
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.success:
            goal.succeed()
        else:
            goal.abort()
        del self._unanswered[_key(goal)]
        return result


def _key(goal: Any) -> bytes:
    return bytes(goal.goal_id.uuid)
