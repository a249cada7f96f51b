"""Action servers of replayed nodes: goals and cancellations come, and nobody waits for a result."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalInfo, GoalStatus
from action_msgs.srv import CancelGoal
from rclpy.action import CancelResponse, GoalResponse
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message

from lbp_rehab.replay.world import World

_ACTIVE = (GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING, GoalStatus.STATUS_CANCELING)


class WorldActionServer:
    """What `rclpy.action.ActionServer` is to a node; its services are those of the world.

    Feedback, status and results are not sent: whoever asked is not in the replay.
    """

    def __init__(
        self,
        world: World,
        node: Node,
        kind: Any,
        name: str,
        *,
        execute_callback: Callable[..., Any],
        goal_callback: Callable[..., Any] = lambda _: GoalResponse.ACCEPT,
        handle_accepted_callback: Callable[..., Any] = lambda goal: goal.execute(),
        cancel_callback: Callable[..., Any] = lambda _: CancelResponse.REJECT,
        **others: Any,
    ) -> None:
        self._world, self._node, self._kind = world, node, kind
        self.run_goal = execute_callback
        self._judge, self._accepted = goal_callback, handle_accepted_callback
        self._may_cancel = cancel_callback
        self._goals: dict[bytes, Goal] = {}
        self._services = {
            node.resolve_service_name(f"{name}/_action/send_goal"): self._take_goal,
            node.resolve_service_name(f"{name}/_action/cancel_goal"): self._take_cancel,
        }
        world.services.update(self._services)

    def start(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call something of the node's after what is to be done now."""
        executor = self._node.executor
        assert executor is not None
        executor.create_task(call, *arguments)

    def destroy(self) -> None:
        """Take no more goals."""
        for name, service in self._services.items():
            if self._world.services.get(name) == service:
                del self._world.services[name]

    def _take_goal(self, data: bytes, reply: Callable[[bytes], None]) -> None:
        request = deserialize_message(data, self._kind.Impl.SendGoalService.Request)

        async def judge() -> None:
            key = bytes(request.goal_id.uuid)
            known = key in self._goals
            accepted = not known and await _result(self._judge, request.goal) == GoalResponse.ACCEPT
            stamp = self._node.get_clock().now().to_msg()
            response = self._kind.Impl.SendGoalService.Response(accepted=accepted, stamp=stamp)
            reply(bytes(serialize_message(response)))
            if accepted:
                self._goals[key] = goal = Goal(self, request)
                await _result(self._accepted, goal)

        self.start(judge)

    def _take_cancel(self, data: bytes, reply: Callable[[bytes], None]) -> None:
        request = deserialize_message(data, CancelGoal.Request)
        wanted = bytes(request.goal_info.goal_id.uuid)

        async def cancel() -> None:
            response = CancelGoal.Response()
            for key, goal in list(self._goals.items()):
                # No id: all of them. A time, up to which they are cancelled, is not looked at.
                asked = goal.is_active and (key == wanted or not any(wanted))
                if asked and await _result(self._may_cancel, goal) == CancelResponse.ACCEPT:
                    goal.status = GoalStatus.STATUS_CANCELING
                    response.goals_canceling.append(GoalInfo(goal_id=goal.goal_id))
            reply(bytes(serialize_message(response)))

        self.start(cancel)


class Goal:
    """What a node knows of a goal, as `rclpy.action.server.ServerGoalHandle`."""

    def __init__(self, server: WorldActionServer, request: Any) -> None:
        self._server = server
        self.goal_id, self.request = request.goal_id, request.goal
        self.status = GoalStatus.STATUS_ACCEPTED

    @property
    def is_active(self) -> bool:
        """Whether it has not come to an end."""
        return self.status in _ACTIVE

    @property
    def is_cancel_requested(self) -> bool:
        """Whether it is to be cancelled."""
        return bool(self.status == GoalStatus.STATUS_CANCELING)

    def execute(self, execute_callback: Callable[..., Any] | None = None) -> None:
        """Begin it."""
        if not self.is_cancel_requested:
            self.status = GoalStatus.STATUS_EXECUTING
        self._server.start(self._run, execute_callback or self._server.run_goal)

    async def _run(self, call: Callable[..., Any]) -> None:
        await _result(call, self)
        if self.is_active:
            self.abort()

    def publish_feedback(self, feedback: Any) -> None:
        """Tell nobody."""

    def succeed(self) -> None:
        """End it well."""
        self.status = GoalStatus.STATUS_SUCCEEDED

    def abort(self) -> None:
        """End it badly."""
        self.status = GoalStatus.STATUS_ABORTED

    def canceled(self) -> None:
        """End it as was asked."""
        self.status = GoalStatus.STATUS_CANCELED


async def _result(call: Callable[..., Any], argument: Any) -> Any:
    found = call(argument)
    return await found if inspect.isawaitable(found) else found
