import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
from emg_made import LABELS, Recording, Told

from lbp_rehab.bench import cases, emg, emg_page, emg_run
from lbp_rehab.bench.emg import figures, summarise
from lbp_rehab.bench.emg_peers import NAIVE
from lbp_rehab.bench.emg_run import run_recording, true_events
from lbp_rehab.estimate import Estimate

REQUIRED = (
    "envelope_r", "envelope_r_p10", "envelope_r_with_faults", "onset_mae_ms", "fatigue_sign_share",
    "faulty_channel_recall", "faulty_channel_false", "faulty_given_share", "onsets_missed",
    "onsets_false", "offset_mae_ms", "within_1_sigma", "within_2_sigma", "unknown_share",
    "ms_per_second_of_signal",
)  # fmt: skip
FALLING, RISING = Estimate(-0.2, 0.05), Estimate(0.1, 0.05)


def told(case, **how):
    return run_recording(case, make=lambda: Told(case, **how))


@pytest.fixture(scope="module")
def everything():
    return Recording(lost_s=(9.0, 11.0), falls_hz=(9.0, 5.0))


@pytest.fixture(scope="module")
def clear():
    return run_recording(Recording())


def test_who_is_told_the_truth_has_perfect_figures(everything):
    result = summarise([told(everything, slope=FALLING)])
    assert result["envelope_r"] == pytest.approx(1.0, abs=2e-3)  # the truth is a step
    assert result["envelope_mae_pct_mvc"] < 0.1
    assert (result["onset_mae_ms"], result["onsets"]) == (0.0, 6)
    assert (result["onsets_missed"], result["onsets_false"]) == (0, 0)
    assert (result["offset_mae_ms"], result["offsets_missed"], result["offsets_false"]) == (0, 0, 0)
    assert result["fatigue_sign_share"] == 1.0
    assert (result["faulty_channel_recall"], result["faulty_channel_false"]) == (1.0, 0.0)
    assert result["faulty_given_share"] == 0.0
    assert result["within_1_sigma"] > 0.99


@pytest.mark.parametrize("late_s", [0.03, -0.03])
def test_a_detector_that_is_late_by_30_ms_shows_30_ms(late_s):
    result = summarise([told(Recording(), late_s=late_s)])
    assert result["onset_mae_ms"] == pytest.approx(30.0)
    assert result["onset_median_ms"] == pytest.approx(1000.0 * late_s)
    assert result["offset_mae_ms"] == pytest.approx(30.0)
    # The drive begins to move 10 ms before it passes the threshold.
    assert result["onset_from_start_median_ms"] == pytest.approx(1000.0 * late_s + 10.0)


def test_later_than_the_reach_is_missed_and_false():
    result = summarise([told(Recording(), late_s=0.35)])
    assert (result["onsets_missed"], result["onsets_false"]) == (6, 6)
    assert result["onset_mae_ms"] is None


def test_one_that_marks_everything_faulty_marks_all_sound_time_and_knows_nothing(everything):
    result = summarise([told(everything, marks=lambda label, t_s: True)])
    assert result["faulty_channel_false"] == 1.0
    assert result["faulty_channel_recall"] == 1.0
    assert result["envelope_r"] is None
    assert result["envelope_r_none"] == 2
    assert result["unknown_share"] == 1.0


def test_one_that_marks_nothing_finds_nothing_and_gives_values_of_faulty_channels(everything):
    result = summarise([told(everything, marks=lambda label, t_s: False)])
    assert (result["faulty_channel_recall"], result["faulty_channel_false"]) == (0.0, 0.0)
    assert result["faulty_given_share"] == 1.0


@pytest.mark.parametrize(("share", "recall"), [(0.4, 0.0), (0.6, 1.0)])
def test_a_stretch_is_found_if_half_of_it_is_marked(everything, share, recall):
    end_s = 9.0 + 2.0 * share
    result = summarise(
        [told(everything, marks=lambda label, t_s: label == LABELS[0] and 9.0 <= t_s < end_s)]
    )
    assert result["faulty_channel_recall"] == recall
    assert result["faulty_given_share"] == pytest.approx(1.0 - share, abs=0.02)


def test_marks_beside_a_fault_and_at_the_very_beginning_are_not_false(everything):
    def marks(label, t_s):
        return label == LABELS[0] and (8.1 <= t_s < 11.9 or t_s < -8.0 + 1.4)

    assert summarise([told(everything, marks=marks)])["faulty_channel_false"] == 0.0


@pytest.mark.parametrize(
    ("slope", "share", "unknown"),
    [(FALLING, 1.0, 0), (RISING, 0.0, 0), (Estimate.unknown(1), 0.0, 2)],
)
def test_a_slope_must_be_known_and_negative(everything, slope, share, unknown):
    result = summarise([told(everything, slope=slope)])
    assert result["fatigue_channels"] == 2
    assert (result["fatigue_sign_share"], result["fatigue_unknown"]) == (share, unknown)


def test_a_muscle_that_hardly_tires_is_not_asked_for():
    result = summarise([told(Recording(falls_hz=(9.0, 2.0)), slope=FALLING)])
    assert result["fatigue_channels"] == 1
    # 9 Hz in 18 s.
    assert result["fatigue_slope_mae_hz_s"] == pytest.approx(0.3)


def test_values_that_do_not_move_do_not_correlate():
    result = summarise([told(Recording(), value=lambda v: 0.2)])
    assert result["envelope_r"] == 0.0


def test_values_of_a_faulty_channel_count_only_in_the_figure_that_says_so(everything):
    lost = {"on": False}

    def marks(label, t_s):
        lost["on"] = label == LABELS[0] and 9.0 <= t_s < 11.0
        return False

    result = summarise([told(everything, marks=marks, value=lambda v: 5.0 if lost["on"] else v)])
    assert result["envelope_r"] > 0.99
    assert result["envelope_r_with_faults"] < 0.9


def test_bursts_that_are_not_there_are_false_and_small_ones_are_neither():
    case = Recording(small_s=(9.0, 10.0))
    result = summarise([told(case, extra_s=(3.0,))])
    assert (result["onsets"], result["onsets_missed"], result["onsets_false"]) == (6, 0, 1)
    assert result["onsets_false_by_cross_talk"] == 0
    case.picked_up = ((LABELS[0], case.at(2.9), case.at(3.3)),)
    assert summarise([told(case, extra_s=(3.0,))])["onsets_false_by_cross_talk"] == 1


def test_events_beside_a_fault_are_not_asked_for():
    case = Recording(lost_s=(11.5, 13.0))
    assert sum(t.counts for t in true_events(case, onset=True)) == 5
    result = summarise([told(case)])
    assert (result["onsets"], result["onsets_false"]) == (5, 0)


def test_a_pause_too_short_to_be_one_joins_two_bursts():
    case = Recording()
    first = case.bursts[0]
    case.bursts.insert(
        1, type(first)(first.label, first.off_ns + 50_000_000, first.off_ns + 500_000_000)
    )
    own = [t for t in true_events(case, onset=False) if t.channel == 0]
    assert len(own) == 3
    assert own[0].stamp_ns == first.off_ns + 500_000_000


def test_a_switch_that_is_dated_anew_is_one_switch():
    switches = emg_run._Switches()
    s = 1_000_000_000
    for active, since in (
        (False, 0), (True, 5 * s), (True, 5 * s - s // 20), (True, 7 * s), (False, 9 * s),
    ):  # fmt: skip
        switches.add(active, since)
    assert switches.found[True] == [5 * s - s // 20, 7 * s]
    assert switches.found[False] == [9 * s]


def test_a_clear_recording_is_read_right(clear):
    result = summarise([clear])
    assert clear.mvc_problems == ()
    assert result["envelope_mae_pct_mvc"] < 3.0
    assert result["envelope_r"] > 0.9
    assert abs(result["envelope_bias_pct_mvc"]) < 3.0
    assert (result["onsets"], result["onsets_missed"], result["onsets_false"]) == (6, 0, 0)
    assert result["onset_mae_ms"] < 40.0
    assert result["offset_mae_ms"] < 100.0
    assert result["offsets_false"] <= 1  # the end of the trial is not one
    assert result["wrongly_unknown_share"] < 0.15
    assert result["seconds"] == pytest.approx(32.0)


def test_a_lost_electrode_should_be_unknown_and_does_not_spoil_the_rest():
    result = summarise([run_recording(Recording(lost_s=(10.0, 24.0)))])
    assert result["faulty_channel_recall"] == 1.0
    assert result["faulty_given_share"] < 0.2
    assert result["envelope_mae_pct_mvc"] < 3.0
    assert result["onsets"] == 4  # the two in the dead stretch are not asked for


def test_without_a_trial_nothing_is_known_in_percent():
    result = summarise([run_recording(Recording(trial=False))])
    assert result["recordings_with_mvc_problems"] == 1
    assert result["unknown_share"] == 1.0
    assert result["envelope_mae_pct_mvc"] is None


def test_figures_are_grouped_and_all_groups_have_the_required_keys(clear):
    result = figures([clear], 4)
    assert set(result["per_muscle"]) == {"multifidus", "gluteus_maximus"}
    assert result["per_muscle"]["multifidus"]["onsets"] == 3
    assert result["per_exercise"]["glute_bridge"]["recordings"] == 1
    assert result["seed"] == 4
    for group in (
        result, *result["per_muscle"].values(), *result["per_kind"].values(),
        *result["per_condition"].values(), *result["per_exercise"].values(),
    ):  # fmt: skip
        assert set(REQUIRED) <= set(group)


def test_headline_has_intervals_from_drawing_recordings_anew():
    good, late = (told(Recording(), late_s=s) for s in (0.01, 0.05))
    result = summarise([good, late], intervals=True)
    assert result["onset_mae_ms"] == pytest.approx(30.0)
    assert result["onset_mae_ms_ci95"] == [10.0, 50.0]


def test_without_neurokit_its_columns_say_so(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "neurokit2" else there(name)
    )
    records = emg.measured([Recording()], 1, 5)
    assert set(records[0].traces) == {"ours", NAIVE}
    result = figures(records, 0)
    assert result["peers"]["neurokit"] == "not installed"
    assert "not installed" in emg.text(result)


def test_cases_are_drawn_as_the_options_say_and_the_page_is_written(monkeypatch, tmp_path):
    asked = []

    def draw(kind, seed, amount):
        asked.append((kind, seed, amount))
        return [Recording(lost_s=(9.0, 11.0), falls_hz=(9.0, 5.0))]

    monkeypatch.setattr(cases, "draw", draw)
    monkeypatch.setattr(emg, "neurokit_installed", lambda: False)
    options = SimpleNamespace(seed=3, recordings=1, jobs=1, peer_recordings=0, page=tmp_path)
    result = emg.main(options)
    assert asked == [("emg", 3, 1)]
    page = (tmp_path / "emg.md").read_text()
    for name in ("envelopes", "onsets", "fatigue", "faults"):
        assert f"emg_{name}.png" in page
        assert (tmp_path / f"emg_{name}.png").stat().st_size > 5000
    assert f"{100 * result['faulty_channel_recall']:.1f} %" in page


def test_page_of_a_recording_without_faults_and_fatigue_is_written(tmp_path):
    records = [told(Recording())]
    options = SimpleNamespace(seed=0, recordings=1, jobs=1, peer_recordings=0, page=tmp_path)
    emg_page.write(tmp_path, records, figures(records, 0), options)
    assert np.isin(["emg.md", "emg_faults.png"], [p.name for p in tmp_path.iterdir()]).all()
