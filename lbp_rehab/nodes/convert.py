"""Between the cores' dataclasses and the messages."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from lbp_rehab import estimate as core
from lbp_rehab.msg import Estimate

NANOSECONDS = 1_000_000_000


def to_ns(stamp: Time) -> int:
    """Return a stamp in integer nanoseconds."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """Return a message stamp from integer nanoseconds."""
    seconds, rest = divmod(int(nanoseconds), NANOSECONDS)
    return Time(sec=seconds, nanosec=rest)


def to_estimate(value: core.Estimate) -> Estimate:
    """Return the message of an estimate."""
    return Estimate(
        status=int(value.status),
        reason=int(value.reason),
        value=float(value.value),
        sigma=float(value.sigma),
    )


def from_estimate(message: Estimate) -> core.Estimate:
    """Return the estimate of a message.

    Raises ValueError if the message contradicts itself or is not finite.
    """
    return core.Estimate(
        message.value,
        message.sigma,
        core.Status(message.status),
        core.Reason(message.reason),
    )
