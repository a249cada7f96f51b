"""What the benchmark of surface EMG needs of its cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import Described
from lbp_rehab.emg.types import EmgChunk


class TrueBurst(Protocol):
    """One stretch of time in which a muscle works.

    Attributes
    ----------
    label : str
    on_ns, off_ns : int
        When the drive passes rest + 2 % MVC.
    height : float
        How far it rises above rest, fraction of the maximum.
    start_ns : int
        When the drive begins to rise; 0 where that is not known.
    """

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def on_ns(self) -> int: ...  # noqa: D102
    @property
    def off_ns(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> float: ...  # noqa: D102
    @property
    def start_ns(self) -> int: ...  # noqa: D102


class TrueSpoiled(Protocol):
    """A fault of one channel.

    Attributes
    ----------
    label, contact : str
        Which channel, and what is wrong with it.
    event_ns : tuple of int
        The whole event: outside of it the channel is sound.
    spans_ns : sequence of (start, end)
        The faulty stretches: when it shows.
    """

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def contact(self) -> str: ...  # noqa: D102
    @property
    def event_ns(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def spans_ns(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102


class TrueTiring(Protocol):
    """The true median frequency of a channel at even intervals through a tiring effort."""

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def start_ns(self) -> int: ...  # noqa: D102
    @property
    def end_ns(self) -> int: ...  # noqa: D102
    @property
    def median_hz(self) -> NDArray[np.float64]: ...  # noqa: D102


class EmgCase(Described, Protocol):
    """A recording of surface EMG with the drive that made it.

    Attributes
    ----------
    kind : str
        "exercise", "rapid" or "tiring".
    labels : sequence of str
        Of the channels.
    mains_hz : float
        For peers that must be told.
    mvc_chunks, chunks : iterable of EmgChunk
        The trial of maximal contractions, then the exercise on the same clock.
    stamps_ns : ndarray, shape (n,)
        Rising instants of the truth, within the exercise.
    activation : ndarray, shape (n, c)
        True fraction of the maximal voluntary contraction.
    bursts : sequence of TrueBurst
        Of the exercise, in the order of time in each channel.
    picked_up : sequence of (label, on_ns, off_ns)
        When an electrode picks up 2 % MVC more than at rest, cross-talk of its neighbours too.
    spoiled : sequence of TrueSpoiled
        Of the trial and the exercise.
    shaken : sequence of (start_ns, end_ns)
        While a fast movement shakes all leads: no channel is called sound or faulty then.
    tiring : sequence of TrueTiring
        Empty if the set is not one that tires.
    """

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def mains_hz(self) -> float: ...  # noqa: D102
    @property
    def mvc_chunks(self) -> Iterable[EmgChunk]: ...  # noqa: D102
    @property
    def chunks(self) -> Iterable[EmgChunk]: ...  # noqa: D102
    @property
    def stamps_ns(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def activation(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def bursts(self) -> Sequence[TrueBurst]: ...  # noqa: D102
    @property
    def picked_up(self) -> Sequence[tuple[str, int, int]]: ...  # noqa: D102
    @property
    def spoiled(self) -> Sequence[TrueSpoiled]: ...  # noqa: D102
    @property
    def shaken(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102
    @property
    def tiring(self) -> Sequence[TrueTiring]: ...  # noqa: D102
