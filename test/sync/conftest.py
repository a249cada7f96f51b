import numpy as np
import pytest

NS = 1_000_000_000


def as_ns(seconds):
    return np.round(np.asarray(seconds, float) * NS).astype(np.int64)


def intervals(low_s, high_s):
    return np.column_stack([as_ns(low_s), as_ns(high_s)])


class Rig:
    """A camera and an amplifier that see the same events, known to the nanosecond."""

    def __init__(self, times_s, *, rate_hz=15.0, emg_rate_hz=1000.0, offset_s=0.0, drift=0.0):
        self.times_s = np.asarray(times_s, float)
        self.rate_hz, self.emg_rate_hz = rate_hz, emg_rate_hz
        self.offset_s, self.drift = offset_s, drift

    def emg_clock(self, t_s):
        return t_s + self.offset_s + self.drift * t_s

    def flashes(self):
        frame = np.ceil(self.times_s * self.rate_hz)
        return intervals((frame - 1) / self.rate_hz, frame / self.rate_hz)

    def pulses(self):
        sample = np.ceil(self.times_s * self.emg_rate_hz)
        return intervals(*(self.emg_clock(k / self.emg_rate_hz) for k in (sample - 1, sample)))


@pytest.fixture
def irregular():
    """Times of flashes at irregular distances of 0.22 to 0.55 s."""
    rng = np.random.default_rng(4)
    return lambda n, first=0.5: first + np.cumsum(rng.uniform(0.22, 0.55, n))
