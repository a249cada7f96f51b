"""What is judged of muscles, on hand-made activation: onset, share, fatigue, what is missing."""

import math
from types import MappingProxyType

import numpy as np
import pytest

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.nodes.convert import from_estimate, to_estimate, to_stamp
from lbp_rehab.nodes.convert_quality import LONGEST_ON_S, ONSET_SIGMA_S, from_activation
from lbp_rehab.quality import muscles, rule_file
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.quality.movement import Moments
from lbp_rehab.quality.rules import Judged, MuscleLimit
from lbp_rehab.quality.strict_yaml import Table
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.types import Phase, SubScoreKind

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
STEP_S = 0.02
FAULT = Estimate.unknown(Reason.SENSOR_FAULT)


def moments():
    """Out 1 s, hold 2 s, back 1 s."""
    at = [START_NS + k * SECOND for k in (0, 1, 2, 3, 4)]
    return Moments(*at, Estimate(1.0, 0.01), Estimate(1.0, 0.01), 1.0)


def limit(judged, low, high):
    return MuscleLimit("x", judged, "onset_multifidus", low, high, 0.2, (Phase.OUT,), "cue")


def on_for(*bursts, announced_s=0.26, unknown=(0.0, 0.0)):
    """For how long a muscle is on that works in bursts, each told only a while after its onset."""
    track = Track("onset_multifidus")
    for t in np.arange(-3.0, 5.0, STEP_S):
        begun = [on for on, off in bursts if on + announced_s <= t < off]
        value = Estimate(t - begun[-1] if begun else 0.0, 0.025)
        track.add(START_NS + round(t * SECOND), FAULT if unknown[0] <= t < unknown[1] else value)
    return track


def onset(track, start_sigma_s=0.0):
    return muscles.measured(limit(Judged.ONSET, -math.inf, 0.1), track, moments(), start_sigma_s)


@pytest.mark.parametrize("true_s", [-0.2, -0.05, 0.0, 0.12, 0.4, 1.5])
def test_the_delay_of_an_onset_is_counted_from_the_start_of_the_movement(true_s):
    found, (start_ns, end_ns) = onset(on_for((true_s, 3.5)), start_sigma_s=0.04)
    assert found.value == pytest.approx(true_s, abs=1e-6)
    assert found.sigma == pytest.approx(math.hypot(0.025, 0.04))
    assert start_ns == START_NS
    assert end_ns == pytest.approx(START_NS + max(true_s, 0.0) * SECOND, abs=1e3)


def test_a_muscle_that_works_all_the_time_is_not_late():
    found, _ = onset(on_for((-2.5, 4.5)))
    assert found.value == pytest.approx(-2.5)


def test_a_burst_that_ended_before_the_movement_is_not_its_onset():
    found, _ = onset(on_for((-2.0, -0.5), (0.3, 3.0)))
    assert found.value == pytest.approx(0.3)


@pytest.mark.parametrize("bursts", [[], [(3.2, 3.9)]])
def test_a_muscle_that_is_off_until_the_way_back_has_no_onset(bursts):
    found, _ = onset(on_for(*bursts))
    assert not found.known
    assert found.reason == Reason.TOO_UNCERTAIN


@pytest.mark.parametrize("unknown", [(-1.0, 0.5), (0.1, 0.8), (-3.0, 5.0)])
def test_an_onset_that_a_loose_electrode_may_hide_is_unknown(unknown):
    found, _ = onset(on_for((0.2, 3.0), unknown=unknown))
    assert not found.known
    assert found.reason == Reason.SENSOR_FAULT


def test_an_electrode_that_fails_after_the_onset_does_not_matter():
    found, _ = onset(on_for((0.2, 3.5), unknown=(1.0, 2.0)))
    assert found.value == pytest.approx(0.2)


@pytest.mark.parametrize(("sigma", "known"), [(0.14, True), (0.16, False)])
def test_a_slope_that_is_mostly_noise_says_nothing_about_fatigue(sigma, known):
    track = Track("fatigue_multifidus")
    for k in range(100):
        track.add(START_NS + k * SECOND // 25, Estimate(-0.01 * k, sigma))
    found, _ = muscles.measured(limit(Judged.FATIGUE, -0.3, math.inf), track, moments(), 0.0)
    assert found.known == known
    if known:
        assert found.value == pytest.approx(-0.99)


def test_of_two_sides_the_later_one_tells_when_a_muscle_is_on_and_a_faulty_one_nothing():
    unknown = Estimate.unknown(Reason.TOO_EARLY)

    def since(left, right):
        on_s = {"multifidus_l": left, "multifidus_r": right}
        return Activation(1, {}, unknown, unknown, unknown, on_s).on_since("multifidus")

    one, two = Estimate(1.0, 0.01), Estimate(2.0, 0.01)
    assert since(one, two) == one
    assert since(Estimate(0.0, 0.01), two).value == 0.0
    assert since(FAULT, two) == two
    assert since(FAULT, FAULT) == FAULT


class Bridges:
    """One glute bridge of the stick figure from 3 s on, with muscles as they are asked to be."""

    GOOD = MappingProxyType({"gluteus_maximus": 0.3, "erector_spinae": 0.2, "multifidus": 0.3})
    BEGIN_S = 3.0

    def __init__(self, patient):
        self.patient, self.exercise = patient, load_exercise("glute_bridge")
        self.limits = {x.id: x for rule in self.exercise.muscles for x in rule.limits}

    def play(self, *, onset_s=0.0, share=0.5, asymmetry=0.0, slope=None, emg=True, known=True):
        """``onset_s`` is counted from the true start; the score of the repetition."""
        p = self.patient

        def progress(t):
            return float(p.cycle(t, self.BEGIN_S, 1.5, 2.0, 2.0))

        def pose(t):
            theta = (130.0 + 45.0 * progress(t)) * p.deg
            return p.body_pose(t, p.bridge(theta, lift=0.6 * progress(t)))

        def activation(t):
            on = Estimate(max(t - self.BEGIN_S - onset_s, 0.0), 0.01) if known else FAULT
            sides = [f"{m}_{s}" for m in self.GOOD for s in "lr"]
            return Activation(
                p.stamp_of(t),
                {n: Estimate(self.GOOD[n[:-2]], 0.01) for n in sides},
                Estimate(0.3, 0.01),
                Estimate(asymmetry, 0.01),
                Estimate(share, 0.01),
                dict.fromkeys(sides, on),
                dict.fromkeys(sides, slope or Estimate.unknown(Reason.TOO_EARLY)),
            )

        played = p.play(
            self.exercise, 10.0, pose=pose, pelvis=p.pelvis_state,
            emg=activation if emg else None,
        )  # fmt: skip
        return played.repetitions[0]

    def late(self, result, onset_s):
        """What is asked of an onset, as the scorer's own start of the movement makes it."""
        start_s = (result.start_ns - self.patient.stamp_of(self.BEGIN_S)) / 1e9
        return onset_s - start_s


@pytest.fixture(scope="module")
def bridges(patient):
    return Bridges(patient)


def muscle(result):
    return next(s for s in result.sub_scores if s.kind == SubScoreKind.MUSCLE)


def of(result):
    return {f.id: f for f in result.faults if f.kind == SubScoreKind.MUSCLE}


def test_good_muscles_cost_nothing(bridges):
    result = bridges.play(slope=Estimate(-0.1, 0.02))
    assert of(result) == {}
    assert muscle(result).value.value == 100.0
    assert not set(bridges.limits) & set(result.not_assessed)


def test_a_late_muscle_costs_points_in_proportion_and_shows_its_delay(bridges):
    rule = bridges.limits["multifidus_late"]
    onset_s = rule.high + 0.5 * rule.lost_over
    result = bridges.play(onset_s=onset_s)
    found = of(result)["multifidus_late"]
    delay_s = bridges.late(result, onset_s)
    assert found.measured.value == pytest.approx(delay_s, abs=0.05)
    assert (found.allowed_min, found.allowed_max) == (-math.inf, rule.high)
    assert found.unit == "s"
    assert found.start_ns == result.start_ns
    # Fatigue is not known yet; the other limits share 100 points.
    shared = 100.0 / sum(x.judged != Judged.FATIGUE for x in bridges.limits.values())
    share = (found.measured.value - rule.high) / rule.lost_over
    assert 100.0 - muscle(result).value.value == pytest.approx(shared * share)
    # A delay just inside the range may be outside of it: the interval says so.
    assert (
        muscle(bridges.play(onset_s=rule.high)).value.sigma
        > 3.0 * muscle(bridges.play(onset_s=-1.0)).value.sigma
    )


@pytest.mark.parametrize(
    ("fault", "given"),
    [
        ("local_share_low", {"share": 0.2}),
        ("emg_asymmetry_outside", {"asymmetry": -0.3}),
        ("emg_asymmetry_outside", {"asymmetry": 0.3}),
        ("erector_spinae_tires", {"slope": Estimate(-0.6, 0.05)}),
        ("gluteus_maximus_tires", {"slope": Estimate(-0.6, 0.05)}),
    ],
)
def test_each_limit_has_its_own_finding(bridges, fault, given):
    result = bridges.play(**given)
    found = of(result)[fault]
    (value,) = given.values()
    assert found.measured.value == pytest.approx(getattr(value, "value", value))
    assert {f.partition("_tires")[1] for f in of(result)} == {"_tires" * fault.endswith("tires")}
    assert fault in bridges.exercise.cues


def test_fatigue_is_told_if_it_is_sure_and_costs_little(bridges):
    sure = bridges.play(slope=Estimate(-3.0, 0.1))
    assert 100.0 - muscle(sure).value.value == pytest.approx(2 * muscles.FATIGUE_POINTS)
    limit_hz = bridges.limits["erector_spinae_tires"].low
    unsure = bridges.play(slope=Estimate(limit_hz - 0.1, 0.1))
    assert of(unsure) == {}


def test_a_faulty_electrode_is_said_and_the_other_limits_share_its_points(bridges):
    result = bridges.play(known=False, share=0.0)
    assert "multifidus_late" in result.not_assessed
    shared = sum(x.judged != Judged.FATIGUE for x in bridges.limits.values()) - 1
    assert 100.0 - muscle(result).value.value == pytest.approx(100.0 / shared)


def test_without_emg_the_part_is_unknown_with_a_reason_and_the_others_are_the_same(bridges):
    without, with_it = bridges.play(emg=False), bridges.play()
    assert muscle(without).value == Estimate.unknown(Reason.MISSING_INPUT)
    assert muscle(without).weight == 0.0
    assert set(bridges.limits) <= set(without.not_assessed)
    others = [
        {s.kind: s.value for s in r.sub_scores if s.kind != SubScoreKind.MUSCLE}
        for r in (without, with_it)
    ]
    assert others[0] == others[1]
    assert with_it.score.value == pytest.approx(without.score.value, abs=1.0)


def message(active, since_ns, envelope, slope):
    channel = msg.EmgChannel(muscle=msg.EmgChannel.MUSCLE_MULTIFIDUS, side=msg.EmgChannel.SIDE_LEFT)
    row = msg.MuscleActivation(
        channel=channel, active=active, since=to_stamp(since_ns), envelope=to_estimate(envelope),
        activation=to_estimate(Estimate.unknown(Reason.NOT_CALIBRATED)),
        fatigue_slope=to_estimate(slope),
    )  # fmt: skip
    nothing = to_estimate(Estimate.unknown(Reason.NOT_CALIBRATED))
    found = msg.EmgActivation(
        muscles=[row], co_contraction=nothing, asymmetry=nothing, local_share=nothing
    )
    found.header.stamp = to_stamp(START_NS)
    return found


def test_a_message_tells_for_how_long_a_muscle_has_been_on():
    envelope, slope = Estimate(1e-5, 1e-6), Estimate(-0.2, 0.1)
    half_s_ago = START_NS - SECOND // 2

    def on_s(*given):
        return from_activation(message(*given, slope)).on_s["multifidus_l"]

    assert on_s(True, half_s_ago, envelope) == Estimate(0.5, ONSET_SIGMA_S)
    assert on_s(False, half_s_ago, envelope).value == 0.0
    assert on_s(True, 0, envelope).value == LONGEST_ON_S
    assert on_s(True, half_s_ago, FAULT) == FAULT
    taken = from_activation(message(True, half_s_ago, envelope, slope))
    assert taken.fatigue_of("multifidus") == from_estimate(to_estimate(slope))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("multifidus: {phases: [out], cue: a}", "asks for nothing"),
        ("multifidus: {onset: [0 s, 1 s], phases: [out], cue: a}", r"must be \[-inf, latest\]"),
        ("multifidus: {onset: [-inf, 1], phases: [out], cue: a}", "onset"),
        ("multifidus: {fatigue: [-inf, 1], phases: [out], cue: a}", "steepest"),
        ("multifidus: {fatigue: [0.1, inf], phases: [out], cue: a}", "steepest"),
        ("local_share: {mean: [-inf, inf], phases: [out], cue: a}", "not open"),
        ("local_share: {mean: [-1, inf], phases: [out], cue: a}", "above 0"),
        ("psoas: {activation: [0.1, inf], phases: [out], cue: a}", "local_share"),
    ],
)
def test_a_wrong_limit_is_refused_with_what_is_wrong(tmp_path, text, problem):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        rule_file.muscles(Table.load(path))
