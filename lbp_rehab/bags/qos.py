"""Quality of service in recordings: what to ask of publishers, what to offer when playing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

INFINITE = QosTime(9223372036, 854775807)  # RMW_DURATION_INFINITE
# rosbag2_storage's Rosbag2QoS, for topics of which a bag says nothing or several things.
DEFAULT_QOS = Qos(
    QosHistory.KEEP_LAST,
    10,
    QosReliability.RELIABLE,
    QosDurability.VOLATILE,
    INFINITE,
    INFINITE,
    QosLiveliness.AUTOMATIC,
    INFINITE,
    False,
)


class _Duration(Protocol):
    @property
    def nanoseconds(self) -> int: ...


class EndpointProfile(Protocol):
    """The profile of an endpoint as rclpy gives it."""

    history: int
    depth: int
    reliability: int
    durability: int
    deadline: _Duration
    lifespan: _Duration
    liveliness: int
    liveliness_lease_duration: _Duration
    avoid_ros_namespace_conventions: bool


def recorded(profile: EndpointProfile) -> Qos:
    """Return a publisher's profile as a bag keeps it; the enumerations' numbers are rmw's."""
    return Qos(
        QosHistory(int(profile.history)),
        profile.depth,
        QosReliability(int(profile.reliability)),
        QosDurability(int(profile.durability)),
        _time(profile.deadline),
        _time(profile.lifespan),
        QosLiveliness(int(profile.liveliness)),
        _time(profile.liveliness_lease_duration),
        profile.avoid_ros_namespace_conventions,
    )


def offer(recorded: Sequence[Qos]) -> Qos:
    """Return the QoS to publish with, by rosbag2's rule (``adapt_offer_to_recorded_offers``).

    What the recorded publishers offered, if they agreed in all that decides about compatibility,
    else the default.
    """
    if not recorded or len({_compatibility(qos) for qos in recorded}) > 1:
        return DEFAULT_QOS
    first = recorded[0]
    return DEFAULT_QOS._replace(
        depth=max(first.depth, DEFAULT_QOS.depth),
        reliability=first.reliability,
        durability=first.durability,
    )


def _compatibility(qos: Qos) -> tuple[object, ...]:
    return (
        qos.reliability,
        qos.durability,
        qos.deadline,
        qos.liveliness,
        qos.liveliness_lease_duration,
    )


def request(offered: Sequence[Qos]) -> tuple[bool, bool]:
    """Return whether to subscribe as reliable and as transient local, by rosbag2's rule.

    ``adapt_request_to_offers``: the stronger policy only where all publishers offer it, so that
    every publisher matches.
    """
    reliable = bool(offered) and all(q.reliability == QosReliability.RELIABLE for q in offered)
    latched = bool(offered) and all(q.durability == QosDurability.TRANSIENT_LOCAL for q in offered)
    return reliable, latched


def _time(duration: _Duration) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, 1_000_000_000))
