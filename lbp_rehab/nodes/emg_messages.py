"""Between the sEMG core's dataclasses and ``EmgRaw``, ``EmgActivation``."""

from __future__ import annotations

import array
from functools import lru_cache

import numpy as np
from std_msgs.msg import Header

from lbp_rehab import msg
from lbp_rehab.emg.types import (
    Activation,
    Channel,
    EmgChunk,
    Muscle,
    MuscleActivation,
    Quality,
    Side,
    check_chunk,
)
from lbp_rehab.emg.units import volts_per
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate
from lbp_rehab.nodes.convert import to_estimate, to_ns, to_stamp

UNIT = "V"  # of all that we publish


@lru_cache(maxsize=256)
def _channel(channel: Channel) -> msg.EmgChannel:
    """Return the message of a channel; the same few come 50 times a second."""
    return msg.EmgChannel(
        label=channel.label,
        muscle=int(channel.muscle),
        side=int(channel.side),
        quality=int(channel.quality),
        noise_v=channel.noise_v,
        unit=UNIT,
    )


@lru_cache(maxsize=256)
def _held(estimate: Estimate) -> msg.Estimate:
    """Return the message of an estimate that seldom changes."""
    return to_estimate(estimate)


def _estimate(estimate: Estimate) -> msg.Estimate:
    return to_estimate(estimate) if estimate.known else _held(estimate)


def to_emg_raw(chunk: EmgChunk, person_id: str) -> msg.EmgRaw:
    """Return the message of a chunk."""
    message = msg.EmgRaw(
        header=Header(stamp=to_stamp(chunk.stamp_ns)),
        person_id=person_id,
        source=chunk.source,
        first_sample=chunk.first_sample,
        lost_before=chunk.lost_before,
        sample_rate_hz=chunk.rate_hz,
        stamp_sigma_s=chunk.stamp_sigma_s,
        channels=[_channel(channel) for channel in chunk.channels],
        n_samples=len(chunk.data),
    )
    # An array('f') is taken as it is (0.5 us for 600 samples); an ndarray is checked one by one.
    message.data = array.array("f", chunk.data.tobytes())
    return message


def from_emg_raw(message: msg.EmgRaw) -> EmgChunk:
    """Return the chunk of a message in volts, whatever voltage the channels come in.

    Its data is a view of the message's if that is in volts.

    Raises
    ------
    InputError
        If sizes do not agree, the rate is no rate, a sample is not finite, a unit is none of
        voltage, or a code is not one of the constants.
    """
    n, c = message.n_samples, len(message.channels)
    if n * c != len(message.data) or n == 0 or c == 0:
        raise InputError(
            f"emg/raw holds {len(message.data)} values for {n} samples of {c} channels"
        )
    try:
        channels = tuple(
            Channel(
                row.label, Muscle(row.muscle), Side(row.side), Quality(row.quality), row.noise_v
            )
            for row in message.channels
        )
    except ValueError as error:
        raise InputError(f"emg/raw holds an unknown code: {error}") from None
    data = np.frombuffer(message.data, np.float32).reshape(n, c)
    scale = np.array([volts_per(row.unit or UNIT) for row in message.channels], np.float32)
    chunk = EmgChunk(
        stamp_ns=to_ns(message.header.stamp),
        rate_hz=message.sample_rate_hz,
        first_sample=message.first_sample,
        lost_before=message.lost_before,
        data=data if (scale == 1).all() else data * scale,
        channels=channels,
        stamp_sigma_s=message.stamp_sigma_s,
        source=message.source,
    )
    check_chunk(chunk)
    return chunk


def to_emg_activation(activation: Activation, person_id: str) -> msg.EmgActivation:
    """Return the message of the activations at one instant."""
    return msg.EmgActivation(
        header=Header(stamp=to_stamp(activation.stamp_ns)),
        person_id=person_id,
        delay_s=activation.delay_s,
        muscles=[_muscle(muscle) for muscle in activation.muscles],
        co_contraction=_estimate(activation.co_contraction),
        asymmetry=_estimate(activation.asymmetry),
        local_share=_estimate(activation.local_share),
    )


def _muscle(muscle: MuscleActivation) -> msg.MuscleActivation:
    return msg.MuscleActivation(
        channel=_channel(muscle.channel),
        activation=_estimate(muscle.activation),
        envelope=_estimate(muscle.envelope),
        active=muscle.active,
        since=to_stamp(muscle.since_ns),
        median_frequency=_held(muscle.median_frequency),
        fatigue_slope=_held(muscle.fatigue_slope),
    )
