"""The action server ``run_exercise_set``: one set at a time, in a single-threaded executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future

from lbp_rehab import msg
from lbp_rehab.action import RunExerciseSet
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode


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
        self._goal: Any = None
        self._ended: Future | None = None
        self._server = ActionServer(
            node,
            RunExerciseSet,
            "run_exercise_set",
            execute_callback=self._execute,
            goal_callback=self._judge,
            cancel_callback=self._cancel,
        )

    def feedback(self, live: msg.QualityLive) -> None:
        """Tell the client how it goes, if there is one."""
        if self._goal is not None:
            self._goal.publish_feedback(RunExerciseSet.Feedback(live=live))

    def ended(self, result: RunExerciseSet.Result) -> None:
        """Give the client the result, if there is one."""
        if self._ended is not None:
            self._ended.set_result(result)

    def close(self) -> None:
        """Stop serving."""
        self._server.destroy()

    def _judge(self, goal: RunExerciseSet.Goal) -> GoalResponse:
        try:
            self._begin(goal)
        except InputError as error:
            self._node.get_logger().warning(f"run_exercise_set refused: {error}")
            return GoalResponse.REJECT
        self._ended = Future(executor=self._node.executor)
        return GoalResponse.ACCEPT

    def _cancel(self, _goal: Any) -> CancelResponse:
        self._stop("cancelled")
        return CancelResponse.ACCEPT

    async def _execute(self, goal: Any) -> RunExerciseSet.Result:
        assert self._ended is not None
        self._goal = goal
        result: RunExerciseSet.Result = await self._ended
        self._goal = self._ended = None
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.success:
            goal.succeed()
        else:
            goal.abort()
        return result
