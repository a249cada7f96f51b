"""An action server that publishes what is asked of it, so that it can be recorded.

ROS 2 Jazzy does that for services alone. Newer ones do it for actions too; until then the events
of goals and cancellations are published here, under the names and in the types that they use.
"""

from __future__ import annotations

from typing import Any

from rclpy.action import ActionServer
from rclpy.node import Node
from rclpy.service_introspection import ServiceIntrospectionState
from service_msgs.msg import ServiceEventInfo

from lbp_rehab.nodes import qos


class RecordedActionServer(ActionServer):
    """See `rclpy.action.ActionServer`; answers are published by newer ROS only."""

    def __init__(self, node: Node, kind: Any, name: str, **callbacks: Any) -> None:
        super().__init__(node, kind, name, **callbacks)
        self._time = node.get_clock()
        self._events: dict[str, tuple[Any, Any]] = {}
        if hasattr(self, "configure_introspection"):
            contents = ServiceIntrospectionState.CONTENTS
            self.configure_introspection(self._time, qos.RESULT, contents)
            return
        for taken, service, asked in (
            ("goal", "send_goal", kind.Impl.SendGoalService.Event),
            ("cancel", "cancel_goal", kind.Impl.CancelGoalService.Event),
        ):
            topic = f"{name}/_action/{service}/_service_event"
            self._events[taken] = asked, node.create_publisher(asked, topic, qos.RESULT)

    async def execute(self, taken_data: dict[str, Any]) -> None:
        """Tell what was taken, then do what it asks for."""
        for name, (event, publisher) in self._events.items():
            if name in taken_data:
                _, request = taken_data[name]
                info = ServiceEventInfo(event_type=ServiceEventInfo.REQUEST_RECEIVED)
                info.stamp = self._time.now().to_msg()
                publisher.publish(event(info=info, request=[request]))
        await super().execute(taken_data)
