"""The truth beside a synthetic sEMG: drives, when each muscle is on, fatigue, joint indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Activation, Channel, Muscle, MuscleActivation, Quality
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.emg.amplifier import BLOCK_S, median_frequency_hz
from lbp_rehab.synthetic.emg.electrodes import Contact
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, LABELS
from lbp_rehab.synthetic.emg.stream import EMG_CHANNELS, EmgStream, intervals

Array = NDArray[np.float64]

# A muscle is on while its drive is this far above that of the start position.
ON_DRIVE = 0.02
_GRID_S = 0.005
_SIGMA, _SIGMA_V = 1e-4, 1e-9  # a known value is never exact
_REST = 0.02  # mean drive below which a quotient of drives says nothing
_RMS_TO_MEAN = float(np.sqrt(2.0 / np.pi))  # of Gaussian noise, mean of its absolute value
_FLEXORS = (Muscle.RECTUS_ABDOMINIS, Muscle.EXTERNAL_OBLIQUE, Muscle.INTERNAL_OBLIQUE)
_EXTENSORS = (Muscle.ERECTOR_SPINAE, Muscle.MULTIFIDUS)
# Bergmark 1989 (Acta Orthop Scand Suppl 230).
_LOCAL = (Muscle.MULTIFIDUS, Muscle.INTERNAL_OBLIQUE)
_GLOBAL = (Muscle.ERECTOR_SPINAE, Muscle.RECTUS_ABDOMINIS)
_QUALITY = {
    Contact.FLAT: Quality.FLAT,
    Contact.RAIL: Quality.SATURATED,
    Contact.MAINS: Quality.ELECTRODE_OFF,
    Contact.CLIPPED: Quality.SATURATED,
    Contact.MOVING: Quality.ARTEFACT,
    Contact.HALF_OFF: Quality.ELECTRODE_OFF,
}
_OFF = Estimate.unknown(Reason.TOO_UNCERTAIN)  # fatigue is not defined of a muscle at rest


class EmgTruth:
    """What the muscles under a stream's electrodes really do.

    Parameters
    ----------
    stream : EmgStream
        It is not read.

    Attributes
    ----------
    active : tuple of tuple of (start_s, end_s)
        For each of `LABELS`, when the muscle is on, in the movement's time, the trial included.
    """

    def __init__(self, stream: EmgStream) -> None:
        self._stream = stream
        end_s = stream.movement.duration_s
        t_s = np.arange(stream.start_s, end_s + _GRID_S, _GRID_S)
        above = stream.drives(t_s) - stream.drive.rest(t_s) - ON_DRIVE
        self.active = tuple(intervals(t_s, column) for column in above.T)
        self._changes_s = [np.array(spans).reshape(-1) for spans in self.active]
        # By fatigue, of 201 steps.
        self._conduction = np.linspace(0.5, 1.0, 201)
        self._median_hz = np.array([median_frequency_hz(c) for c in self._conduction])

    def activations(self, t_s: Sequence[float] | Array, start_ns: int = 0) -> list[Activation]:
        """Return the true activations at times in the movement.

        Parameters
        ----------
        t_s : sequence of float
            In increasing order.
        start_ns : int
            Stamp of time 0.

        Returns
        -------
        list of Activation
            ``envelope`` is the mean rectified value of the muscle's own signal. A channel whose
            electrode is off says so in its quality; its activation is known all the same.
        """
        times = np.asarray(t_s, float)
        if not len(times):
            return []
        stream = self._stream
        drives = stream.drives(times)
        envelope_v = drives * stream.fatigue.amplitude(times) * stream.electrodes.mvc_rms_v
        envelope_v *= _RMS_TO_MEAN
        ahead_s = times + BLOCK_S
        median, later = (
            np.interp(stream.fatigue.conduction(t), self._conduction, self._median_hz)
            for t in (times, ahead_s)
        )
        found = []
        for i, t in enumerate(times.tolist()):
            muscles = []
            for k, label in enumerate(LABELS):
                active, since_s = self._switched(k, t)
                slope = (later[i, k] - median[i, k]) / BLOCK_S
                muscles.append(
                    MuscleActivation(
                        channel=self._channel(k, label, t),
                        activation=Estimate(float(drives[i, k]), _SIGMA),
                        envelope=Estimate(float(envelope_v[i, k]), _SIGMA_V),
                        active=active,
                        since_ns=0 if since_s is None else start_ns + round(since_s * NANOSECONDS),
                        median_frequency=Estimate(float(median[i, k]), 0.1) if active else _OFF,
                        fatigue_slope=Estimate(float(slope), 0.01) if active else _OFF,
                    )
                )
            stamp_ns = start_ns + round(t * NANOSECONDS)
            found.append(Activation(stamp_ns, 0.0, tuple(muscles), *_indices(drives[i])))
        return found

    def _switched(self, k: int, t_s: float) -> tuple[bool, float | None]:
        """Return whether a muscle is on, and since when it is so; None if it always was."""
        passed = int(np.searchsorted(self._changes_s[k], t_s, side="right"))
        return passed % 2 == 1, float(self._changes_s[k][passed - 1]) if passed else None

    def _channel(self, k: int, label: str, t_s: float) -> Channel:
        quality = Quality.GOOD
        for loose in self._stream.events.loose:
            if loose.label == label and loose.start_s <= t_s < loose.end_s:
                quality = _QUALITY[loose.contact]
        noise_v = float(self._stream.electrodes.noise_v[k])
        return replace(EMG_CHANNELS[k], quality=quality, noise_v=noise_v)


def _indices(drive: Array) -> tuple[Estimate, Estimate, Estimate]:
    """Return co-contraction, asymmetry and local share of drives (12,)."""
    flexor, extensor = _mean(drive, _FLEXORS), _mean(drive, _EXTENSORS)
    local, superficial = _mean(drive, _LOCAL), _mean(drive, _GLOBAL)
    left, right = float(drive[0::2].mean()), float(drive[1::2].mean())
    return (
        # Falconer and Winter 1985 (Electromyogr Clin Neurophysiol 25:135).
        _quotient(2.0 * min(flexor, extensor), flexor + extensor),
        _quotient(right - left, right + left),
        _quotient(local, local + superficial),
    )


def _mean(drive: Array, group: tuple[Muscle, ...]) -> float:
    return float(np.mean([drive[k] for k, (muscle, _) in enumerate(CHANNELS) if muscle in group]))


def _quotient(part: float, whole: float) -> Estimate:
    if whole < 2.0 * _REST:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    return Estimate(part / whole, _SIGMA)
