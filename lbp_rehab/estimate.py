"""A measured scalar that may be unknown: the core's counterpart of ``lbp_rehab/msg/Estimate``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """Where a value comes from. The numbers are those of ``Estimate.msg``."""

    UNKNOWN = 0
    MEASURED = 1
    INFERRED = 2
    HELD = 3


class Reason(IntEnum):
    """Why a value is unknown. The numbers are those of ``Estimate.msg``."""

    NONE = 0
    NO_PERSON = 1
    OUT_OF_VIEW = 2
    OCCLUDED = 3
    NO_DEPTH = 4
    NO_GRAVITY = 5
    NOT_CALIBRATED = 6
    SENSOR_FAULT = 7
    TOO_UNCERTAIN = 8
    MISSING_INPUT = 9
    TOO_EARLY = 10


# Looked up once: as members of their enumerations they take ten times as long.
_UNKNOWN, _NO_REASON = Status.UNKNOWN, Reason.NONE


@dataclass(frozen=True)
class Estimate:
    """A value with its 1-sigma, or the reason why there is none.

    Attributes
    ----------
    value : float
        In the unit of the quantity; 0.0 when unknown.
    sigma : float
        1-sigma in the same unit, finite and not negative; 0.0 when unknown.
    status : Status
    reason : Reason
        ``Reason.NONE`` unless the status is ``Status.UNKNOWN``.

    Raises
    ------
    ValueError
        If the value or sigma is not finite, sigma is negative, or status and reason contradict.
    """

    value: float
    sigma: float
    status: Status = Status.MEASURED
    reason: Reason = Reason.NONE

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.sigma) and self.sigma >= 0):
            raise ValueError(
                f"value {self.value} and sigma {self.sigma} must be finite, sigma >= 0"
            )
        if (self.status == _UNKNOWN) != (self.reason != _NO_REASON):
            raise ValueError(f"status {self.status.name} does not go with {self.reason.name}")

    @classmethod
    def unknown(cls, reason: Reason) -> Estimate:
        """Return an unknown value with its reason."""
        return cls(0.0, 0.0, Status.UNKNOWN, reason)

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.status != _UNKNOWN
