"""How well faults of muscles are found: true movement, and the synthetic sEMG of unseen people.

``python -m lbp_rehab.bench.muscles`` prints precision and recall of each fault; a person
compensates fully, or shows a fault of execution with what it does to the muscles, or neither.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lbp_rehab.breath.depth import DepthOfBreath
from lbp_rehab.breath.types import Breath
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.estimate import Estimate
from lbp_rehab.nodes.convert_quality import from_activation
from lbp_rehab.nodes.emg_messages import to_emg_activation
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import Exercise, load_exercise
from lbp_rehab.quality.scorer import Scorer
from lbp_rehab.quality.sets import ExerciseSet
from lbp_rehab.quality.types import RepetitionResult, SubScoreKind
from lbp_rehab.synthetic import truth
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.stream import EmgStream, mvc_envelopes_v
from lbp_rehab.synthetic.emg.style import MuscleStyle
from lbp_rehab.synthetic.emg.truth import EmgTruth
from lbp_rehab.synthetic.imaging.rgbd import preset
from lbp_rehab.synthetic.imaging.views import parse_view, place
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.studio import FRAME_ID, Patient

POSE_HZ, ACTIVATION_HZ = 15.0, 50.0
WALL_SIGMA_M = 0.0005
CHUNK = 50  # samples
REPETITIONS = 3
SEVERITY = 0.9
FULL = 1.0  # compensation
COMPENSATES = "compensates"
# What each kind of patient should be told: (exercise, what is wrong) -> faults of muscles.
EXPECTED: dict[tuple[str, str], tuple[str, ...]] = {
    ("pelvic_tilt", COMPENSATES): ("local_share_low", "internal_oblique_late"),
    ("pelvic_tilt", "hips_lift"): ("co_contraction_high",),
    ("glute_bridge", COMPENSATES): ("local_share_low", "multifidus_late"),
    ("glute_bridge", "pelvis_drops"): ("emg_asymmetry_outside",),
    ("dead_bug", COMPENSATES): ("local_share_low",),
    ("dead_bug", "back_leaves_mat"): ("co_contraction_high",),
    ("bird_dog", COMPENSATES): ("local_share_low", "multifidus_late"),
    ("plank", COMPENSATES): ("local_share_low", "internal_oblique_late"),
    ("plank", "hips_sag"): ("co_contraction_high",),
}
EXERCISES = tuple(dict.fromkeys(exercise for exercise, _ in EXPECTED))


@dataclass(frozen=True)
class Instant:
    """What the cameras' side of the pipeline would say at one instant, without an error."""

    stamp_ns: int
    pose: BodyPose
    pelvis: PelvisState
    breath: Breath


def set_of(
    exercise: str,
    seed: int,
    wrong: str = "",
    *,
    split: Split = Split.TEST,
    repetitions: int = REPETITIONS,
    side: str = "alternating",
) -> Scenario:
    """Return a set of a person; ``wrong`` is a fault of execution in every repetition."""
    faults = tuple(Fault(k + 1, wrong, SEVERITY) for k in range(repetitions)) if wrong else ()
    return Scenario(
        exercise, seed, faults, repetitions=repetitions, split=split, side=side, initial_rest_s=6.0
    )


def movement(scenario: Scenario, rate_hz: float = POSE_HZ) -> list[Instant]:
    """Return the exact pose, pelvis and breathing of a set."""
    patient = Patient(scenario)
    kind = preset(scenario.camera, scenario.size)
    camera = place(parse_view("oblique"), patient.swept().points_m, kind)
    pelvis = truth.PelvisTruth(patient.body, camera, patient.neutral, scenario.start_ns)
    depth, found = DepthOfBreath(), []
    for t_s in np.arange(0.0, scenario.movement.duration_s, 1.0 / rate_hz).tolist():
        pose, walls_m = patient.at(t_s)
        stamp_ns = scenario.stamp_ns(t_s)
        body = truth.keypoints(
            patient.body, pose, patient.posture, camera, stamp_ns=stamp_ns, frame_id=FRAME_ID
        )
        belly, chest = (Estimate(float(m), WALL_SIGMA_M) for m in walls_m)
        breath = Breath(stamp_ns, FRAME_ID, "", belly, chest, depth.update(stamp_ns, chest))
        found.append(Instant(stamp_ns, body, pelvis.at(pose, stamp_ns, FRAME_ID), breath))
    return found


def style_of(scenario: Scenario, compensation: float) -> MuscleStyle:
    """Return how a set's person uses the muscles who compensates by 0 to 1."""
    return MuscleStyle.drawn(scenario.seed, scenario.split, compensation)


def activation(
    scenario: Scenario, style: MuscleStyle | None = None, *, measured: bool = False
) -> list[Activation]:
    """Return the activation of a set's muscles.

    Parameters
    ----------
    scenario : Scenario
    style : MuscleStyle, optional
        The person's own if not given, who compensates by up to 0.4.
    measured : bool
        As `EmgPipeline` estimates it from the raw sEMG; else as it truly is.
    """
    settings = ElectrodeSettings()
    stream = EmgStream(scenario.movement, settings, scenario.seed, scenario.split, style)
    if measured:
        volts = mvc_envelopes_v(scenario.seed, settings, scenario.split)
        pipeline = EmgPipeline(PipelineSettings(activation_rate_hz=ACTIVATION_HZ), volts)
        found = [a for chunk in stream.chunks(CHUNK, scenario.start_ns)
                 for a in pipeline.process(chunk)]  # fmt: skip
    else:
        t_s = np.arange(0.0, scenario.movement.duration_s, 1.0 / ACTIVATION_HZ)
        found = EmgTruth(stream).activations(t_s, scenario.start_ns)
    return [from_activation(to_emg_activation(a, "")) for a in found]


def score(
    exercise: Exercise, moving: Iterable[Instant], muscles: Sequence[Activation] = ()
) -> list[RepetitionResult]:
    """Return the repetitions of a set as they are scored."""
    running = ExerciseSet(Scorer(exercise), exercise.side)
    waiting = list(reversed(muscles))
    for now in moving:
        while waiting and waiting[-1].stamp_ns <= now.stamp_ns:
            item = waiting.pop()
            running.update(item.stamp_ns, activation=item)
        running.update(now.stamp_ns, pose=now.pose, pelvis=now.pelvis, breath=now.breath)
    running.finish()
    return running.results


@dataclass(frozen=True)
class Case:
    """One repetition: which faults of muscles should be told, which were, and which not judged."""

    exercise: str
    wrong: str
    expected: frozenset[str]
    told: frozenset[str]
    not_assessed: frozenset[str]


def cases(
    people: int, seed: int, *, split: Split = Split.TEST, measured: bool = True
) -> list[Case]:
    """Return the repetitions of people who do nothing wrong, compensate, or show a fault."""
    found = []
    for exercise in EXERCISES:
        rules = load_exercise(exercise)
        ids = frozenset(limit.id for rule in rules.muscles for limit in rule.limits)
        for k in range(people):
            clean = set_of(exercise, seed + k, split=split)
            moving = movement(clean)
            for wrong in ["", *(w for e, w in EXPECTED if e == exercise)]:
                told = EXPECTED.get((exercise, wrong), ())
                if wrong in ("", COMPENSATES):
                    scenario, course = clean, moving
                else:
                    scenario = set_of(exercise, seed + k, wrong, split=split)
                    course = movement(scenario)
                style = style_of(scenario, FULL) if wrong == COMPENSATES else None
                muscles = activation(scenario, style, measured=measured)
                found += [
                    Case(
                        exercise, wrong, frozenset(told),
                        frozenset(f.id for f in result.faults if f.kind == SubScoreKind.MUSCLE),
                        ids & set(result.not_assessed),
                    )
                    for result in score(rules, course, muscles)
                ]  # fmt: skip
    return found


def figures(found: Sequence[Case]) -> dict[str, object]:
    """Return false alarms in clean repetitions, and precision and recall of each fault.

    Of a fault that is not asked for, such as a weak muscle of who compensates, only what is told
    in clean repetitions counts as false: it may be there.
    """
    clean, asked = [c for c in found if not c.wrong], [c for c in found if c.expected]
    per_fault: dict[str, dict[str, float]] = {}
    for exercise in EXERCISES:
        for fault in sorted({f for (e, _), ids in EXPECTED.items() if e == exercise for f in ids}):
            own = [c for c in found if c.exercise == exercise and fault not in c.not_assessed]
            there = [c for c in own if fault in c.expected]
            hits = sum(fault in c.told for c in there)
            alarms = sum(fault in c.told for c in own if not c.wrong)
            per_fault[f"{exercise}.{fault}"] = {
                "repetitions": len(there),
                "recall": round(hits / max(len(there), 1), 3),
                "precision": round(hits / max(hits + alarms, 1), 3),
            }
    return {
        "clean_repetitions": len(clean),
        "false_alarms_per_clean_repetition": round(
            sum(bool(c.told) for c in clean) / max(len(clean), 1), 4
        ),
        "any_found_share": round(
            sum(bool(c.told & c.expected) for c in asked) / max(len(asked), 1), 3
        ),
        "per_fault": per_fault,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=6, help="of each exercise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--true", action="store_true", help="true activation, not estimated sEMG")
    parser.add_argument("--split", choices=[s.name.lower() for s in Split], default="test")
    given = parser.parse_args(arguments)
    split = Split[given.split.upper()]
    found = cases(given.people, given.seed, split=split, measured=not given.true)
    print(json.dumps(figures(found), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
