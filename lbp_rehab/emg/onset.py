"""When a muscle switches on and off: threshold over a quiet baseline, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.filters import FilterDesign
from lbp_rehab.emg.types import NANOSECONDS

Array = NDArray[np.float64]

POOL_BLOCKS = 30  # quiet blocks that the baseline remembers
SIGNIFICANT = 3.0  # standard errors by which a block must be quieter to replace the baseline
# Ringing beats about its RMS: this much of it ends a burst, and this much begins none.
RINGING_OFF = 1.6
RINGING_ON = 4.0


@dataclass(frozen=True)
class OnsetSettings:
    """Rules of Hodges and Bui 1996 (Electroenceph Clin Neurophysiol 101:511), with hysteresis.

    Attributes
    ----------
    on_sd, off_sd : float
        Thresholds in standard deviations over the mean of the baseline.
    on_s, off_s : float
        How long the envelope must stay beyond the threshold. Longer than the 25 to 50 ms of Hodges
        and Bui, whose envelope (50 Hz) wanders faster than one of 6 Hz does.
    baseline_s : float
        Length of one block of baseline.
    """

    on_sd: float = 3.0
    off_sd: float = 2.0
    on_s: float = 0.1
    off_s: float = 0.05
    baseline_s: float = 1.0


class OnsetDetector:
    """Runs over envelopes at regular instants, all channels at once.

    The baseline is the quietest block of ``baseline_s`` seen so far; later quiet blocks are
    averaged into it. A block replaces it only when it is significantly quieter, so that picking
    the smallest of many does not creep downwards. After a burst, what the filters may still ring
    (`FilterDesign.ringing`) raises the threshold, or the notches would hide the end of the burst.

    A crossing of a low threshold comes before the middle of the envelope's rise, to which the
    filter delay is removed; the onset is therefore put where a step must have begun that crosses
    when this one did and reaches the level of the confirmation (`FilterDesign.rise`).

    Parameters
    ----------
    n_channels : int
    design : FilterDesign
        The filters that made the envelope; its relative sigma is the least deviation assumed.
    settings : OnsetSettings

    Attributes
    ----------
    active : ndarray of bool, shape (c,)
    since_ns : ndarray of int, shape (c,)
        Instant of the latest crossing; 0 if there was none.
    baseline_mean, baseline_sd : ndarray, shape (c,)
        Volts; zero while there is no baseline.
    """

    def __init__(self, n_channels: int, design: FilterDesign, settings: OnsetSettings) -> None:
        self._settings = settings
        self._relative_sigma = design.relative_sigma
        error = design.averaged_sigma(settings.baseline_s)
        self._replace_below = 1 - min(0.5, SIGNIFICANT * error)
        self._ringing_share, self._ringing_s = design.ringing
        self._rise, self._rise_rate_hz = design.rise, design.rate_hz
        self._smoothing_delay_s = design.smoothing_delay_s
        self._ringing = np.zeros(n_channels)  # volts that the filters may ring now
        self._crossed_at = np.zeros(n_channels)  # threshold that was crossed
        self.active = np.zeros(n_channels, bool)
        self.since_ns = np.zeros(n_channels, np.int64)
        self.baseline_mean = np.zeros(n_channels)
        self.baseline_sd = np.zeros(n_channels)
        self._pooled = np.zeros(n_channels)
        self._crossed_ns = np.zeros(n_channels, np.int64)  # 0: no change under way
        self._previous = np.zeros(n_channels)
        self._previous_ns = 0
        self._block: list[Array] = []
        self._block_start_ns = 0
        self._block_clean = np.ones(n_channels, bool)
        self._block_quiet = np.ones(n_channels, bool)

    def update(self, stamp_ns: int, envelope: Array, valid: NDArray[np.bool_]) -> None:
        """Take the envelopes of the next instant.

        Parameters
        ----------
        stamp_ns : int
        envelope : ndarray, shape (c,)
            Volts.
        valid : ndarray of bool, shape (c,)
            Where the envelope means something; elsewhere the muscle counts as off.
        """
        settings = self._settings
        sd = np.maximum(self.baseline_sd, self._relative_sigma * self.baseline_mean)
        threshold = self.baseline_mean + sd * np.where(self.active, settings.off_sd, settings.on_sd)
        elapsed_s = (stamp_ns - self._previous_ns) / NANOSECONDS if self._previous_ns else 0.0
        self._ringing *= np.exp(-elapsed_s / self._ringing_s)
        self._ringing = np.where(
            self.active, np.maximum(self._ringing, self._ringing_share * envelope), self._ringing
        )
        margin = np.where(self.active, RINGING_OFF, RINGING_ON)
        threshold = np.maximum(threshold, margin * self._ringing)
        known = valid & (self._pooled > 0)
        beyond = known & np.where(self.active, envelope < threshold, envelope > threshold)
        fresh = beyond & (self._crossed_ns == 0)
        # Linear between the instants, as the 20 ms grid is coarse for an onset.
        step = envelope - self._previous
        share = np.divide(envelope - threshold, step, out=np.zeros_like(step), where=step != 0)
        back_ns = np.clip(share, 0, 1) * elapsed_s * NANOSECONDS
        self._crossed_at[fresh] = threshold[fresh]
        self._crossed_ns[fresh] = stamp_ns - np.rint(back_ns[fresh]).astype(np.int64)
        self._crossed_ns[~beyond] = 0
        hold_ns = NANOSECONDS * np.where(self.active, settings.off_s, settings.on_s)
        change = beyond & (stamp_ns - self._crossed_ns >= hold_ns)
        self.since_ns[change] = self._crossed_ns[change]
        for k in np.flatnonzero(change & ~self.active):
            self.since_ns[k] += self._later_ns(int(k), float(envelope[k]))
        self.active[change] = ~self.active[change]
        self._crossed_ns[change] = 0
        fallen = self.active & ~valid
        self.since_ns[fallen] = stamp_ns
        self.active &= valid
        self._previous, self._previous_ns = envelope, stamp_ns
        self._learn(stamp_ns, envelope, valid)

    def _later_ns(self, k: int, level: float) -> int:
        """Return how long after its crossing an onset was, as seen from the level it reached."""
        height = level - self.baseline_mean[k]
        share = (self._crossed_at[k] - self.baseline_mean[k]) / height
        rise_s = float(np.searchsorted(self._rise, min(share, 1.0))) / self._rise_rate_hz
        return round(max(0.0, self._smoothing_delay_s - rise_s) * NANOSECONDS)

    def restart(self) -> None:
        """Forget what is under way, as after a gap; the baseline stays."""
        self.active[:] = False
        self._crossed_ns[:] = 0
        self._previous_ns = 0
        self._block = []

    def _learn(self, stamp_ns: int, envelope: Array, valid: NDArray[np.bool_]) -> None:
        if not self._block:
            self._block_start_ns = stamp_ns
            self._block_clean[:] = True
            self._block_quiet[:] = True
        self._block.append(envelope)
        self._block_clean &= valid
        self._block_quiet &= ~self.active & (self._crossed_ns == 0)
        if stamp_ns - self._block_start_ns < self._settings.baseline_s * NANOSECONDS:
            return
        block = np.array(self._block)
        mean, sd = block.mean(axis=0), block.std(axis=0)
        self._block = []
        new = self._block_clean & (
            (self._pooled == 0) | (mean < self._replace_below * self.baseline_mean)
        )
        pool = self._block_clean & self._block_quiet & ~new
        self._pooled = np.where(new, 1, np.minimum(self._pooled + pool, POOL_BLOCKS))
        weight = np.where(new, 1.0, np.where(pool, 1 / np.maximum(self._pooled, 1), 0.0))
        self.baseline_mean += weight * (mean - self.baseline_mean)
        self.baseline_sd += weight * (sd - self.baseline_sd)
