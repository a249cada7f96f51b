"""Synthetic sEMG with known truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lbp_rehab.emg.activation import EmgPipeline
from lbp_rehab.emg.filters import emg_spectrum
from lbp_rehab.emg.types import Activation, Channel, EmgChunk, Muscle, Side

START_NS = 1_700_000_000_123_456_789
Signal = NDArray[np.float64]


def make_emg(rate_hz: float, n: int, channels: int, seed: int = 0) -> Signal:
    """Return steady Gaussian sEMG of RMS 1, shape (n, channels)."""
    white = np.random.default_rng(seed).standard_normal((n, channels))
    shape = np.sqrt(emg_spectrum(np.fft.rfftfreq(n, 1 / rate_hz)))[:, None]
    signal = np.fft.irfft(np.fft.rfft(white, axis=0) * shape, n, axis=0)
    return signal / signal.std()


def make_chunks(
    data: Signal, rate_hz: float, size: int, channels: tuple[Channel, ...] | None = None
) -> list[EmgChunk]:
    """Cut a signal in volts into chunks from START_NS on."""
    if channels is None:
        channels = tuple(Channel(f"c{k}", Muscle.OTHER, Side.NONE) for k in range(data.shape[1]))
    return [
        EmgChunk(
            START_NS + round(i / rate_hz * 1e9),
            rate_hz,
            i,
            0,
            data[i : i + size].astype(np.float32),
            channels,
        )
        for i in range(0, len(data), size)
    ]


def run_pipeline(pipeline: EmgPipeline, chunks: list[EmgChunk]) -> list[Activation]:
    return [activation for chunk in chunks for activation in pipeline.process(chunk)]


@pytest.fixture
def emg() -> Callable[..., Signal]:
    return make_emg


@pytest.fixture
def chunks_of() -> Callable[..., list[EmgChunk]]:
    return make_chunks


@pytest.fixture
def run_all() -> Callable[..., list[Activation]]:
    return run_pipeline


@pytest.fixture
def start_ns() -> int:
    return START_NS
