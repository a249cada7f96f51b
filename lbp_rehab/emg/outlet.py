"""Streams of ours for the Lab Streaming Layer, with channels that describe themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lbp_rehab.errors import InputError

MANUFACTURER = "lbp_rehab"
TEXT_CHANNEL = "json"


@dataclass(frozen=True)
class OutletChannel:
    """One channel of an outlet.

    Attributes
    ----------
    label : str
    unit : str
    muscle, side : str
        Empty for what is of no one muscle.
    """

    label: str
    unit: str
    muscle: str = ""
    side: str = ""


def load_pylsl(what: str = "LSL outlets need") -> Any:
    """Return pylsl; raises InputError that says what needs it if it is not installed."""
    try:
        import pylsl  # noqa: PLC0415
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"{what} pylsl ({error}); install it with: pip install 'lbp-rehab[emg]'"
        ) from None
    return pylsl


class Outlet:
    """A stream that others can subscribe to.

    Parameters
    ----------
    name, kind : str
        LSL's name and type of the stream. The name serves as source id too, so that a reader
        finds the stream again after a restart.
    channels : sequence of OutletChannel
        None for a stream of text.
    rate_hz : float
        0 for irregular samples.
    """

    def __init__(
        self, name: str, kind: str, channels: Sequence[OutletChannel] = (), rate_hz: float = 0.0
    ) -> None:
        lsl = load_pylsl()
        content = lsl.cf_float32 if channels else lsl.cf_string
        channels = channels or (OutletChannel(TEXT_CHANNEL, ""),)
        info = lsl.StreamInfo(name, kind, len(channels), rate_hz, content, name)
        described = info.desc()
        described.append_child_value("manufacturer", MANUFACTURER)
        rows = described.append_child("channels")
        for channel in channels:
            row = rows.append_child("channel")
            for key in ("label", "unit", "muscle", "side"):
                if value := getattr(channel, key):
                    row.append_child_value(key, value)
        self._outlet = lsl.StreamOutlet(info)

    def push(self, sample: Sequence[float] | Sequence[str], stamp_s: float) -> None:
        """Send a sample with its time on this machine's LSL clock."""
        self._outlet.push_sample(list(sample), stamp_s)
