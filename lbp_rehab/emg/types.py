"""sEMG as it travels between cores, and the enumerations of ``EmgChannel.msg``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate
from lbp_rehab.stamps import NANOSECONDS


class Muscle(IntEnum):
    """The muscle under an electrode. The numbers are those of ``EmgChannel.msg``."""

    UNKNOWN = 0
    MULTIFIDUS = 1
    ERECTOR_SPINAE = 2
    INTERNAL_OBLIQUE = 3
    EXTERNAL_OBLIQUE = 4
    RECTUS_ABDOMINIS = 5
    GLUTEUS_MAXIMUS = 6
    OTHER = 255


class Side(IntEnum):
    """The person's own side. The numbers are those of ``EmgChannel.msg``."""

    NONE = 0
    LEFT = 1
    RIGHT = 2


class Quality(IntEnum):
    """How well a channel measures. The numbers are those of ``EmgChannel.msg``."""

    UNKNOWN = 0
    GOOD = 1
    NOISY = 2
    ELECTRODE_OFF = 3
    SATURATED = 4
    FLAT = 5
    ARTEFACT = 6

    @property
    def usable(self) -> bool:
        """Whether an envelope of this channel means something."""
        return self in (Quality.GOOD, Quality.NOISY)


@dataclass(frozen=True)
class Channel:
    """What one channel measures, and how well.

    Attributes
    ----------
    label : str
        The device's own channel name.
    muscle : Muscle
    side : Side
    quality : Quality
    noise_v : float
        RMS of the resting noise in volts; 0 if not measured yet.
    """

    label: str
    muscle: Muscle = Muscle.UNKNOWN
    side: Side = Side.NONE
    quality: Quality = Quality.UNKNOWN
    noise_v: float = 0.0


@dataclass(frozen=True)
class EmgChunk:
    """Consecutive samples of all channels; the core's counterpart of ``EmgRaw.msg``.

    Attributes
    ----------
    stamp_ns : int
        ROS time of the first sample.
    rate_hz : float
        True sampling rate.
    first_sample : int
        Index of the first sample since the source started, lost ones counted.
    lost_before : int
        Samples lost right before this chunk.
    data : ndarray of float32, shape (n_samples, n_channels)
        Volts. Single precision as on the wire, so that a replay gives the same activation.
    channels : tuple of Channel
        One per column of ``data``.
    stamp_sigma_s : float
        1-sigma of the stamp in seconds.
    source : str
        Stream name or file name without its folder.
    """

    stamp_ns: int
    rate_hz: float
    first_sample: int
    lost_before: int
    data: NDArray[np.float32]
    channels: tuple[Channel, ...]
    stamp_sigma_s: float = 0.0
    source: str = ""

    @property
    def end_ns(self) -> int:
        """ROS time right after the last sample, when the next one is expected."""
        return self.stamp_ns + round(len(self.data) / self.rate_hz * NANOSECONDS)


@dataclass(frozen=True)
class MuscleActivation:
    """What one muscle does at one instant.

    Attributes
    ----------
    channel : Channel
    activation : Estimate
        Fraction of the maximal voluntary contraction.
    envelope : Estimate
        Volts.
    active : bool
        Whether the muscle is on; means something only if the envelope is known.
    since_ns : int
        When it last changed between on and off; 0 if never.
    median_frequency : Estimate
        Hertz, of the latest active window.
    fatigue_slope : Estimate
        Hertz a second, slope of the median frequency.
    """

    channel: Channel
    activation: Estimate
    envelope: Estimate
    active: bool
    since_ns: int
    median_frequency: Estimate
    fatigue_slope: Estimate


@dataclass(frozen=True)
class Activation:
    """All muscles at one instant; the core's counterpart of ``EmgActivation.msg``.

    Attributes
    ----------
    stamp_ns : int
        The instant that the envelopes describe.
    delay_s : float
        Filter delay that was removed from the stamp.
    muscles : tuple of MuscleActivation
    co_contraction : Estimate
        0 to 1.
    asymmetry : Estimate
        -1 (left only) to 1 (right only).
    local_share : Estimate
        0 to 1.
    """

    stamp_ns: int
    delay_s: float
    muscles: tuple[MuscleActivation, ...]
    co_contraction: Estimate
    asymmetry: Estimate
    local_share: Estimate


def check_chunk(chunk: EmgChunk) -> None:
    """Raise InputError for a chunk that contradicts itself or holds what no sample can be."""
    if chunk.data.ndim != 2 or chunk.data.shape[1] != len(chunk.channels) or not chunk.data.size:
        raise InputError(
            f"sEMG chunk of shape {chunk.data.shape} does not hold samples of "
            f"{len(chunk.channels)} channels"
        )
    if not (math.isfinite(chunk.rate_hz) and chunk.rate_hz > 0):
        raise InputError(f"sEMG chunk has a sampling rate of {chunk.rate_hz} Hz")
    if not np.isfinite(chunk.data).all():
        raise InputError("sEMG chunk holds values that are not finite; its source must be mended")
