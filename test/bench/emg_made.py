"""A recording of sEMG of known envelopes, and pipelines of known errors."""

from dataclasses import dataclass

import numpy as np

from lbp_rehab.emg.filters import emg_spectrum
from lbp_rehab.emg.types import Activation, Channel, EmgChunk, MuscleActivation, Quality
from lbp_rehab.estimate import Estimate, Reason

RATE_HZ = 1000.0
START_NS = 1_700_000_000_000_000_000
LABELS = ("multifidus_l", "gluteus_maximus_r")
TRIAL_S, EXERCISE_S = 8.0, 24.0
BURSTS_S = ((6.0, 8.0), (12.0, 14.5), (18.0, 20.0))
HEIGHT = (0.3, 0.6)
MVC_V = 2e-4
INSTANT_S = 0.02
FAULT = Estimate.unknown(Reason.SENSOR_FAULT)
EARLY = Estimate.unknown(Reason.TOO_EARLY)


@dataclass(frozen=True)
class Burst:
    label: str
    on_ns: int
    off_ns: int
    height: float = 0.5
    start_ns: int = 0


@dataclass(frozen=True)
class Spoiled:
    label: str
    contact: str
    event_ns: tuple
    spans_ns: tuple


@dataclass(frozen=True)
class Tiring:
    label: str
    start_ns: int
    end_ns: int
    median_hz: np.ndarray


def chunks_of(volts, start_ns, first_sample):
    step = 25
    for k in range(0, len(volts), step):
        stamp_ns = start_ns + round(k / RATE_HZ * 1e9)
        yield EmgChunk(
            stamp_ns, RATE_HZ, first_sample + k, 0, volts[k : k + step].astype(np.float32),
            tuple(Channel(label) for label in LABELS),
        )  # fmt: skip


class Recording:
    """Noise with known envelopes, a trial first; ``mains_v`` and a lost electrode on demand.

    Times are those of the exercise. ``small_s`` is a burst of the second channel of 3 % MVC.
    """

    name, seed, exercise, faults = "emg-0", 0, "glute_bridge", ()
    view, condition, posture, person = "", "clear", "supine", ""
    kind, mains_hz, picked_up = "exercise", 50.0, ()
    labels = LABELS

    def __init__(self, mains_v=0.0, lost_s=None, trial=True, small_s=None, falls_hz=None):
        rng = np.random.default_rng(2)
        n_trial, n = round(TRIAL_S * RATE_HZ), round(EXERCISE_S * RATE_HZ)
        gain = np.sqrt(emg_spectrum(np.fft.rfftfreq(n_trial + n, 1 / RATE_HZ)))[:, None]
        white = np.fft.rfft(rng.standard_normal((n_trial + n, 2)), axis=0)
        noise = np.fft.irfft(gain * white, n_trial + n, axis=0)
        noise /= noise.std(axis=0)
        t = np.arange(n) / RATE_HZ
        drive = np.full((n, 2), 0.02)
        for on, off in BURSTS_S:
            drive[(t >= on) & (t < off)] = HEIGHT
        self.begin_ns = START_NS + round(TRIAL_S * 1e9)
        self.bursts = [
            Burst(label, self.at(on), self.at(off), start_ns=self.at(on - 0.01))
            for label in LABELS
            for on, off in BURSTS_S
        ]
        if small_s is not None:
            drive[(t >= small_s[0]) & (t < small_s[1]), 1] += 0.03
            self.bursts.append(Burst(LABELS[1], *map(self.at, small_s), height=0.03))
            self.bursts.sort(key=lambda burst: burst.on_ns)
        full = np.full((n_trial, 2), 0.02)
        full[round(3.0 * RATE_HZ) :] = 1.0
        volts = MVC_V * np.concatenate([full, drive]) * noise
        volts += mains_v * np.sin(2 * np.pi * 50.0 * np.arange(len(volts)) / RATE_HZ)[:, None]
        self.stamps_ns = self.begin_ns + np.round(t * 1e9).astype(np.int64)
        self.activation = drive
        self.spoiled = self.shaken = ()
        if lost_s is not None:
            span = (self.at(lost_s[0]), self.at(lost_s[1]))
            self.spoiled = (Spoiled(LABELS[0], "flat", span, (span,)),)
            volts[n_trial:][(t >= lost_s[0]) & (t < lost_s[1]), 0] = 0.0
        self.tiring = ()
        if falls_hz is not None:
            self.kind = "tiring"
            self.tiring = tuple(
                Tiring(label, self.at(4.0), self.at(22.0), np.linspace(80.0, 80.0 - fall, 19))
                for label, fall in zip(LABELS, falls_hz, strict=True)
            )
        self.mvc_chunks = list(chunks_of(volts[:n_trial], START_NS, 0)) if trial else []
        self.chunks = list(chunks_of(volts[n_trial:], self.begin_ns, n_trial))

    def at(self, t_s):
        return self.begin_ns + round(t_s * 1e9)


class Told:
    """A pipeline that is told the truth and errs as asked.

    Parameters
    ----------
    late_s : float
        Of all onsets and offsets.
    marks : callable
        (label, time of the exercise) -> whether the channel is called unusable.
    slope : Estimate
    value : callable
        True activation -> the one that is given.
    extra_s : sequence of float
        Times of bursts of 0.2 s of the first channel that are not there.
    """

    def __init__(self, case, *, late_s=0.0, marks=None, slope=EARLY, value=float, extra_s=()):
        self.case, self.late_ns, self.slope, self.value = case, round(late_s * 1e9), slope, value
        self.marks = marks or self.truly_faulty
        self.calibrated = {}
        self.spans = {
            label: [
                (b.on_ns + self.late_ns, b.off_ns + self.late_ns)
                for b in case.bursts
                if b.label == label
            ]
            for label in LABELS
        }
        self.spans[LABELS[0]] += [(case.at(t), case.at(t + 0.2)) for t in extra_s]
        self.next_ns = None

    def truly_faulty(self, label, t_s):
        return any(
            s.label == label and a <= self.case.at(t_s) < b
            for s in self.case.spoiled
            for a, b in s.spans_ns
        )

    def calibrate(self, mvc_v):
        self.calibrated |= mvc_v

    def process(self, chunk):
        if self.next_ns is None:
            self.next_ns = chunk.stamp_ns
        found = []
        while self.next_ns < chunk.end_ns:
            found.append(self.instant(self.next_ns))
            self.next_ns += round(INSTANT_S * 1e9)
        return found

    def instant(self, stamp_ns):
        t_s = (stamp_ns - self.case.begin_ns) / 1e9
        row = min(max(round(t_s * RATE_HZ), 0), len(self.case.activation) - 1)
        muscles = []
        for k, label in enumerate(LABELS):
            true = 1.0 if -5.0 <= t_s < 0.0 else float(self.case.activation[row, k])
            bad = self.marks(label, t_s)
            value = FAULT if bad else Estimate(self.value(true), 0.01)
            changes = sorted(x for span in self.spans[label] for x in span if x <= stamp_ns)
            muscles.append(
                MuscleActivation(
                    Channel(label, quality=Quality.FLAT if bad else Quality.GOOD, noise_v=1e-6),
                    value,
                    value if bad else Estimate(self.value(true) * MVC_V, 1e-6),
                    len(changes) % 2 == 1,
                    changes[-1] if changes else 0,
                    EARLY,
                    self.slope,
                )
            )
        return Activation(stamp_ns, 0.1, tuple(muscles), EARLY, EARLY, EARLY)
