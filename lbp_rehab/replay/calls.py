"""Calls of services that were made during a recording, made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message
from service_msgs.msg import ServiceEventInfo

from lbp_rehab.bags.definitions import message_class
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.topics import SERVICE_EVENT, is_service_event
from lbp_rehab.replay.world import World


@dataclass(frozen=True)
class Calls:
    """A topic on which a service, of a node or of its action, published what was asked.

    Attributes
    ----------
    service : str
        Its full name.
    kind : type
        Of the topic's messages, such as ``CalibrateNeutral.Event``.
    """

    service: str
    kind: Any

    def repeat(self, data: bytes, world: World) -> bool:
        """Ask a replayed node what was asked; return whether there was anything to ask.

        Of the up to four events of a call only that of its arrival counts. The answer goes
        nowhere, as whoever asked is not in the replay.
        """
        event = deserialize_message(data, self.kind)
        arrived = event.info.event_type == ServiceEventInfo.REQUEST_RECEIVED
        if not (arrived and event.request and self.service in world.services):
            return False
        request = bytes(serialize_message(event.request[0]))
        world.later(lambda: world.call(self.service, request, lambda _: None))
        return True


def find(topics: Mapping[str, Topic], world: World, warnings: list[str]) -> dict[str, Calls]:
    """Return by topic which calls of a recording are made again.

    Those of a service that a replayed node calls itself are left out, as the node makes them anew.
    """
    found = {}
    for name, topic in topics.items():
        if not is_service_event(name):
            continue
        service = name.removesuffix(SERVICE_EVENT)
        if service in world.callers:
            warnings.append(f"recorded calls of {service} are left out: a node calls it itself")
        elif (kind := message_class(topic.type)) is not None:
            found[name] = Calls(service, kind)
        elif service in world.services:
            warnings.append(
                f"calls of {service} are not made: their type {topic.type} is not installed"
            )
    return found
