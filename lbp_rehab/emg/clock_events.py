"""What can happen to the clock of a source, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Jump:
    """The source's clock was set: by how many seconds."""

    by_s: float


@dataclass(frozen=True)
class OwnEpoch:
    """The stamps are no time of ours: by how many seconds; the arrival counts."""

    off_s: float


@dataclass(frozen=True)
class OtherRate:
    """The rate is not the stated one: what it is in Hz."""

    rate_hz: float


Event = Jump | OwnEpoch | OtherRate


def sentence(event: Event, source: str, nominal_rate_hz: float) -> str:
    """Return what happened to a source's clock, for people."""
    if isinstance(event, Jump):
        by_ms = 1e3 * event.by_s
        return f"the clock of {source} jumped by {by_ms:+.0f} ms; its stamps are corrected"
    if isinstance(event, OwnEpoch):
        return (
            f"{source} stamps with a clock of its own, {abs(event.off_s):.3g} s off; its samples "
            "are timed by their arrival"
        )
    return (
        f"{source} states {nominal_rate_hz:g} Hz but gives {event.rate_hz:.1f} Hz; the measured "
        "rate is used"
    )
