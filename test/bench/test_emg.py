from dataclasses import dataclass

import numpy as np
import pytest

from lbp_rehab.bench.emg import figures, summarise
from lbp_rehab.bench.emg_events import match
from lbp_rehab.bench.emg_run import run_recording
from lbp_rehab.emg.filters import emg_spectrum
from lbp_rehab.emg.types import Channel, EmgChunk

RATE_HZ = 1000.0
START_NS = 1_700_000_000_000_000_000
LABELS = ("multifidus_l", "gluteus_maximus_r")
TRIAL_S, EXERCISE_S = 8.0, 24.0
BURSTS_S = ((6.0, 8.0), (12.0, 14.5), (18.0, 20.0))
HEIGHT = (0.3, 0.6)
MVC_V = 2e-4


@dataclass(frozen=True)
class Burst:
    label: str
    on_ns: int
    off_ns: int


def chunks_of(volts, start_ns, first_sample):
    step = 25
    for k in range(0, len(volts), step):
        stamp_ns = start_ns + round(k / RATE_HZ * 1e9)
        yield EmgChunk(
            stamp_ns, RATE_HZ, first_sample + k, 0, volts[k : k + step].astype(np.float32),
            tuple(Channel(label) for label in LABELS),
        )  # fmt: skip


class Recording:
    """Noise with known envelopes, a trial first; ``mains_v`` and a lost electrode on demand."""

    name, seed, exercise, faults = "emg-0", 0, "glute_bridge", ()
    view, condition, posture, person = "", "clear", "supine", ""
    labels = LABELS

    def __init__(self, mains_v=0.0, lost_from_s=None, trial=True):
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
        full = np.full((n_trial, 2), 0.02)
        full[round(3.0 * RATE_HZ) :] = 1.0
        volts = MVC_V * np.concatenate([full, drive]) * noise
        volts += mains_v * np.sin(2 * np.pi * 50.0 * np.arange(len(volts)) / RATE_HZ)[:, None]
        begin_ns = START_NS + round(TRIAL_S * 1e9)
        self.stamps_ns = begin_ns + np.round(t * 1e9).astype(np.int64)
        self.activation = drive
        self.faulty = np.zeros((n, 2), bool)
        if lost_from_s is not None:
            lost = t >= lost_from_s
            self.faulty[lost, 0] = True
            volts[n_trial:][lost, 0] = 0.0
        self.mvc_chunks = list(chunks_of(volts[:n_trial], START_NS, 0)) if trial else []
        self.chunks = list(chunks_of(volts[n_trial:], begin_ns, n_trial))
        self.bursts = tuple(
            Burst(label, begin_ns + round(on * 1e9), begin_ns + round(off * 1e9))
            for label in LABELS
            for on, off in BURSTS_S
        )


@pytest.fixture(scope="module")
def clear():
    return run_recording(Recording())


def test_a_clear_recording_is_read_right(clear):
    result = summarise([clear])
    assert clear.mvc_problems == ()
    assert result["envelope_mae_pct_mvc"] < 3.0
    assert result["envelope_correlation"] > 0.9
    assert abs(result["envelope_bias_pct_mvc"]) < 3.0
    assert (result["onsets"], result["onsets_missed"], result["onsets_false"]) == (6, 0, 0)
    assert result["onset_mae_ms"] < 40.0
    assert result["offset_mae_ms"] < 100.0
    assert result["offsets_false"] <= 1  # the end of the trial is not one
    assert result["wrongly_unknown_share"] < 0.15
    assert result["seconds"] == pytest.approx(TRIAL_S + EXERCISE_S)


def test_mains_hum_hurts_the_peer_and_not_ours():
    result = summarise([run_recording(Recording(mains_v=1.5e-5))])
    assert result["envelope_mae_pct_mvc"] < 3.0
    assert result["naive_envelope_mae_pct_mvc"] > 1.2 * result["envelope_mae_pct_mvc"]
    assert result["naive_envelope_bias_pct_mvc"] > 1.0


def test_a_lost_electrode_should_be_unknown_and_does_not_spoil_the_rest():
    result = summarise([run_recording(Recording(lost_from_s=10.0))])
    assert result["faulty_unknown_share"] > 0.8
    assert result["envelope_mae_pct_mvc"] < 3.0
    assert result["onsets"] == 4  # the two in the dead stretch are not asked for


def test_without_a_trial_nothing_is_known_in_percent():
    result = summarise([run_recording(Recording(trial=False))])
    assert result["recordings_without_mvc"] == 1
    assert result["unknown_share"] == 1.0
    assert result["envelope_mae_pct_mvc"] is None


def test_figures_are_grouped_by_muscle_and_exercise(clear):
    result = figures([clear], 4)
    assert set(result["per_muscle"]) == {"multifidus", "gluteus_maximus"}
    assert result["per_muscle"]["multifidus"]["onsets"] == 3
    assert result["per_exercise"]["glute_bridge"]["recordings"] == 1
    assert result["seed"] == 4


def test_events_pair_with_the_nearest_of_their_channel():
    s = 1_000_000_000
    events = match(
        [(0, 10 * s), (0, 20 * s), (1, 10 * s)],
        [(0, 10 * s + s // 10), (0, 10 * s - s // 5), (1, 10 * s + s // 2), (0, 20 * s - s // 100)],
    )
    assert sorted(events.late_s) == pytest.approx([-0.01, 0.1])
    assert (events.true, events.missed, events.false) == (3, 1, 2)
    assert events.of([1]).true == 1
    assert events.of([1]).false == 1
    assert events.of([0]).missed == 0
