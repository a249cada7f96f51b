import numpy as np
import pytest
from emg_made import LABELS, Recording

from lbp_rehab.bench.emg import summarise
from lbp_rehab.bench.emg_peers import NEUROKIT, TUNED, Signals, answer, slopes
from lbp_rehab.bench.emg_run import run_recording

RATE_HZ = 1000.0


def test_plain_chain_reads_a_clear_recording_right():
    case = Recording()
    case.mains_hz = 0.0  # its notches ring before a burst that begins at once
    result = summarise([run_recording(case)])
    assert result["naive_envelope_r"] > 0.95
    assert result["naive_onsets_missed"] == 0
    assert result["naive_onset_mae_ms"] < 30.0


def test_plain_chain_is_told_the_mains():
    humming = summarise([run_recording(Recording(mains_v=1.5e-5))])
    assert humming["naive_envelope_mae_pct_mvc"] < 3.0
    case = Recording(mains_v=1.5e-5)
    case.mains_hz = 60.0  # told wrongly, it does not help
    wrong = summarise([run_recording(case)])
    assert wrong["naive_envelope_bias_pct_mvc"] > humming["naive_envelope_bias_pct_mvc"] + 1.0


@pytest.mark.parametrize("peer", [NEUROKIT, TUNED])
@pytest.mark.parametrize("rate_hz", [1000.0, 2000.0])
def test_neurokit_finds_a_burst_and_scales_it_by_the_trial(peer, rate_hz):
    pytest.importorskip("neurokit2")
    rng = np.random.default_rng(0)
    n = round(6.0 * rate_hz)
    strength = np.full(n, 0.02)
    strength[n // 2 : n * 2 // 3] = 0.5
    trial = 1e-4 * rng.standard_normal((round(2.0 * rate_hz), 1))
    data = 1e-4 * (strength * rng.standard_normal(n))[:, None]
    rest = (np.arange(n) < n // 3)[:, None]
    given = answer(peer, Signals(trial, data, rate_hz, 50.0, rest, 0.5))
    assert given.activation.shape == (n, 1)
    # Its own amplitude is an energy, which grows with the square.
    middle = given.activation[n // 2 + 300 : n * 2 // 3 - 300].mean()
    assert middle == pytest.approx(0.5 if peer == TUNED else 0.25, abs=0.04)
    if peer == TUNED:  # the mixture may split or miss a burst
        starts = [a for _, a, b in given.bursts if b - a > 0.5 * rate_hz]
        assert starts == [pytest.approx(n // 2, abs=0.1 * rate_hz)]
    assert given.took_s > 0.0


def test_slope_of_the_plain_chain_falls_with_the_median_frequency():
    rng = np.random.default_rng(1)
    case = Recording(falls_hz=(9.0, 5.0))
    n = round(24.0 * RATE_HZ)
    columns = []
    for slowing in (0.0, 0.4):  # white noise through a low-pass whose corner falls
        part = [
            np.convolve(
                rng.standard_normal(1000), np.ones(round(4 + 10 * slowing * k / 24)), "same"
            )
            for k in range(24)
        ]
        columns.append(np.concatenate(part)[:n])
    data = 1e-4 * np.stack(columns, axis=1)
    signals = Signals(data, data, RATE_HZ, 50.0, np.zeros(data.shape, bool), 0.5)
    steady, falling = slopes(signals, case.begin_ns, LABELS, case.tiring)
    assert abs(steady) < 0.5
    assert falling < -1.0
    assert slopes(signals, case.begin_ns, LABELS, ()) == []
