"""Defects planted one by one into the real nodes: each is caught, and named at the right topic.

The golden recordings come from the code as it is; a defect is then patched into it, the recording
is replayed in lockstep and held against its golden one under the tolerances that users have.
Changes that change nothing raise nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from lbp_rehab.bags.play import Selection
from lbp_rehab.compare import tolerance
from lbp_rehab.graph import SessionOptions
from lbp_rehab.nodes import (
    convert,
    emg_bridge,
    exercise_recogniser,
    feedback_speaker,
    pelvic_angle_estimator,
    pose_estimator,
    quality_scorer,
)
from lbp_rehab.paths import config_dir, resource_dir
from lbp_rehab.pose import smoothing
from lbp_rehab.quality import movement
from lbp_rehab.replay import jobs
from lbp_rehab.replay.jobs import Job
from lbp_rehab.replay.lockstep import Part

SAMPLE = resource_dir() / "sample" / "glute_bridge"
EXERCISE = "glute_bridge"
NODES = {
    "pose": (pose_estimator.PoseEstimatorNode,),
    "pelvis": (pelvic_angle_estimator.PelvicAngleEstimatorNode,),
    "emg": (emg_bridge.EmgBridgeNode,),
    "score": (
        exercise_recogniser.ExerciseRecogniser,
        quality_scorer.QualityScorer,
        feedback_speaker.FeedbackSpeaker,
    ),
}
ARGUMENTS = {
    "quality_scorer": {"exercise": EXERCISE, "session_id": "replay"},
    "feedback_speaker": {"mute": True},
    "emg_bridge": {"source": "topic"},
}
# The sample's repetitions are perfect; asked to last longer, they are not.
STRICT = (("duration: [2.9 s, 10 s]", "duration: [6 s, 10 s]"),)
LOOSER = (("duration: [2.9 s, 10 s]", "duration: [5.9 s, 10 s]"),)
FARTHER = (*STRICT, ("target: [175 deg, 200 deg]", "target: [177 deg, 200 deg]"))
SPANS = {"pose": 3.0, "pelvis": 0.0, "emg": 6.0, "score": 0.0}


def part(kind, parameters=None):
    given = ARGUMENTS.get(kind.NAME, {}) | (parameters or {}).get(kind.NAME, {})
    out = ["--ros-args", "-r", f"__node:={kind.NAME}", "-p", "use_sim_time:=true"]
    out += ["--params-file", str(config_dir() / f"{kind.NAME}.yaml")]
    for name, value in given.items():
        out += ["-p", f"{name}:={yaml.safe_dump(value, default_flow_style=True).split(chr(10))[0]}"]
    return Part(kind, tuple(out))


@dataclass
class Stage:
    """A recording that nodes are fed, and what came out before anything was broken."""

    bag: Path
    golden: Path
    nodes: tuple[type, ...]
    end_s: float
    parameters: dict[str, dict]

    def job(self, **changes):
        selection = Selection(end_s=self.end_s, exclude=("/tf",))
        return Job("run", self.bag, SessionOptions(), selection, **changes)


@dataclass
class Stages:
    folder: Path
    made: dict[str, Stage] = field(default_factory=dict)

    def __getitem__(self, name):
        if name not in self.made:
            bag = SAMPLE if name in ("pose", "emg") else self._poses()
            given = {}
            if name == "score":
                given["quality_scorer"] = {"exercise_folder": self.exercise("strict", STRICT)}
            stage = Stage(bag, self.folder / name, NODES[name], SPANS[name], given)
            nodes = tuple(part(kind, given) for kind in stage.nodes)
            outcome = jobs.run(stage.job(output=stage.golden, nodes=nodes))
            assert not outcome.error
            self.made[name] = stage
        return self.made[name]

    def exercise(self, name, changes):
        """Return a folder with the exercise as others would write it."""
        text = (config_dir() / "exercises" / f"{EXERCISE}.yaml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        folder = self.folder / name
        folder.mkdir()
        (folder / f"{EXERCISE}.yaml").write_text(text)
        return str(folder)

    def _poses(self):
        """What the camera's nodes make of the first repetitions: where the later stages begin."""
        bag = self.folder / "poses"
        if not bag.exists():
            nodes = tuple(part(kind) for kind in (*NODES["pose"], *NODES["pelvis"]))
            selection = Selection(end_s=13.0, exclude=("/tf",))
            outcome = jobs.run(Job("poses", SAMPLE, selection=selection, output=bag, nodes=nodes))
            assert not outcome.error
        return bag


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    return Stages(tmp_path_factory.mktemp("stages"))


def held_against_golden(stage, parameters=None, kinds=None):
    given = {k.NAME: dict(stage.parameters.get(k.NAME, {})) for k in stage.nodes}
    for name, values in (parameters or {}).items():
        given[name] |= values
    nodes = tuple(part(kind, given) for kind in kinds or stage.nodes)
    limits = tolerance.chosen(None, exact=False)
    outcome = jobs.run(stage.job(golden=stage.golden, tolerance=limits, nodes=nodes))
    assert not outcome.error
    return outcome.comparison


# How a defect is put in: the patch, and parameters by node.


def after(module, name, change):
    """Change what a function returns."""

    def plant(patch):
        original = getattr(module, name)
        patch.setattr(module, name, lambda *a, **k: change(original(*a, **k)))

    return plant


def before(module, name, change):
    """Change what a function is given."""

    def plant(patch):
        original = getattr(module, name)
        patch.setattr(module, name, lambda given, *rest: original(change(given), *rest))

    return plant


def constant(module, name, factor):
    return lambda patch: patch.setattr(module, name, getattr(module, name) * factor)


def swap_sides(pose):
    other = [pose.names.index(mirrored(name)) for name in pose.names]
    return replace(pose, position=pose.position[other])


def mirrored(name):
    sides = {"l_": "r_", "r_": "l_"}
    return sides.get(name[:2], name[:2]) + name[2:]


def one_frame_late(patch):
    original, kept = pose_estimator.to_frame, []

    def late(color, depth, info):
        kept.append(original(color, depth, info))
        return replace(kept[-2], stamp_ns=kept[-1].stamp_ns) if len(kept) > 1 else kept[-1]

    patch.setattr(pose_estimator, "to_frame", late)


def farther(frame):
    depth = (frame.depth.astype(np.float64) * 1.01).astype(np.uint16)
    return replace(frame, depth=depth)


def drops_the_20th(kind, method):
    def plant(patch):
        original, count = getattr(kind, method), [0]

        def sometimes(self, *arguments):
            count[0] += 1
            if count[0] != 20:
                original(self, *arguments)

        patch.setattr(kind, method, sometimes)

    return plant


def turned(state, name, change):
    angles = replace(state.absolute, **{name: change(getattr(state.absolute, name))})
    return replace(state, absolute=angles)


def negative_tilt(state):
    return turned(state, "tilt", lambda angle: replace(angle, value=-angle.value))


def off_by_a_degree(state):
    off = np.deg2rad(1.0)
    return turned(state, "obliquity", lambda angle: replace(angle, value=angle.value + off))


def neutral_forgotten(state):
    return replace(state, relative=replace(state.relative, tilt=state.absolute.tilt))


def other_rotation(state):
    return turned(state, "rotation", lambda angle: replace(angle, value=-angle.value))


def sigma_too_small(state):
    return turned(state, "tilt", lambda angle: replace(angle, sigma=0.95 * angle.sigma))


def channels_swapped(chunk):
    return replace(chunk, data=chunk.data[:, ::-1].copy())


def gain(chunk):
    return replace(chunk, data=chunk.data * 1.05)


def late_by_a_chunk(chunk):
    return replace(chunk, stamp_ns=chunk.stamp_ns + 40_000_000)


def one_more(message):
    message.repetitions_done += 1
    return message


def other_words(message):
    message.text += " now"
    return message


def half_the_points(message):
    for fault in message.faults:
        fault.points_lost *= 0.95
    message.score.value -= 0.5
    return message


# name: (stage, plant, parameters of the stage's first node, where it is, what is said of it)
DEFECTS = {
    "left and right swapped": (
        "pose", before(pose_estimator, "body_pose_data", swap_sides), {}, "/body/pose", "swapped"),
    "images one frame late": ("pose", one_frame_late, {}, "/body/pose", ""),
    "smoothing 5 % faster": (
        "pose", None, {"pose_estimator": {"smoothing_cutoff_hz": 1.575}},
        "/body/pose", "mm elsewhere"),
    "derivative cut-off 5 % higher": (
        "pose", constant(smoothing, "DERIVATIVE_CUTOFF_HZ", 1.05), {}, "/body/pose", ""),
    "depth 1 % too far": (
        "pose", after(pose_estimator, "to_frame", farther), {}, "/body/pose", "mm elsewhere"),
    "a pose lost": (
        "pose", drops_the_20th(pose_estimator.PoseEstimatorNode, "_estimate"), {},
        "/body/pose", "1 message of 37 missing"),
    "sign of the tilt": (
        "pelvis", before(pelvic_angle_estimator, "pelvis_state_data", negative_tilt), {},
        "/pelvis/state", "sign looks reversed"),
    "obliquity off by a degree": (
        "pelvis", before(pelvic_angle_estimator, "pelvis_state_data", off_by_a_degree), {},
        "/pelvis/state", "pelvic obliquity is up to 1.0 degrees more"),
    "neutral not subtracted": (
        "pelvis", before(pelvic_angle_estimator, "pelvis_state_data", neutral_forgotten), {},
        "/pelvis/state", "pelvic tilt from neutral"),
    "neutral averaged over less time": (
        "pelvis", None, {"pelvic_angle_estimator": {"neutral_duration_s": 1.0}},
        "/pelvis/state", ""),
    "too sure of the tilt": (
        "pelvis", before(pelvic_angle_estimator, "pelvis_state_data", sigma_too_small), {},
        "/pelvis/state", "tilt.sigma"),
    "left rotation for right": (
        "pelvis", before(pelvic_angle_estimator, "pelvis_state_data", other_rotation), {},
        "/pelvis/state", "pelvic rotation is up to"),
    "envelope filter off by 5 %": ("emg", None, {"emg_bridge": {"envelope_hz": 6.3}},
        "/emg/activation", ""),
    "electrodes in reverse order": (
        "emg", after(emg_bridge, "from_emg_raw", channels_swapped), {}, "/emg/activation", ""),
    "amplifier gain off by 5 %": (
        "emg", after(emg_bridge, "from_emg_raw", gain), {}, "/emg/activation", "1.05"),
    "sEMG stamped a chunk late": (
        "emg", after(emg_bridge, "from_emg_raw", late_by_a_chunk), {}, "/emg/activation", ""),
    "a chunk of sEMG lost": (
        "emg", drops_the_20th(emg_bridge.EmgBridgeNode, "_on_raw"), {}, "/emg/activation", ""),
    "target of the exercise 2 degrees farther": (
        "score", None, FARTHER, "/quality/live", "progress"),
    "repetition may be 0.1 s shorter": (
        "score", None, LOOSER, "/quality/repetition", "gained"),
    "onset found at another speed": (
        "score", constant(movement, "ONSET_SHARE", 1.5), {}, "/quality/repetition", "starts"),
    "another grade threshold": (
        "score", None, {"quality_scorer": {"grade_thresholds": [60.0, 75.0, 88.0, 95.0]}},
        "/quality/repetition", "is graded"),
    "fault costs 5 % less": (
        "score", after(quality_scorer, "to_repetition", half_the_points), {},
        "/quality/repetition", "lost 0.5 points"),
    "the set counts one too many": (
        "score", after(quality_scorer, "to_session", one_more), {},
        "/session/state", "the set counts"),
    "recognised only after more movement": (
        "score", None, {"exercise_recogniser": {"least_movement_s": 4.0}},
        "/exercise/recognition", "recognised as"),
    "another wording of a cue": (
        "score", after(feedback_speaker, "to_cue", other_words), {}, "/feedback/cue", "says '"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught_and_named_where_it_is(name, stages, monkeypatch):
    stage, plant, parameters, where, said = DEFECTS[name]
    made = stages[stage]
    if plant is not None:
        plant(monkeypatch)
    if isinstance(parameters, tuple):
        folder = stages.exercise(name, parameters)
        parameters = {"quality_scorer": {"exercise_folder": folder}}
    found = held_against_golden(made, parameters)
    assert not found.passed
    print(*found.sentences, sep="\n")
    assert found.origin == where
    assert said in "\n".join(found.of_topic[where])


def by_rclpy(patch):
    """The same message, made field by field and serialised by rclpy."""
    patch.setattr(pose_estimator, "body_pose_data", convert.to_body_pose)


def in_other_words(patch):
    """The same filter in other units: other rounding, no other result."""

    def call(self, stamp_ns, position, known):
        return original(self, stamp_ns, position * 3.0 / 3.0, known)

    original = smoothing.OneEuro.__call__
    patch.setattr(smoothing.OneEuro, "__call__", call)


HARMLESS = {
    "a message built another way": (
        "pose", by_rclpy, {}),
    "other rounding": ("pose", in_other_words, {}),
    "a parameter of no effect here": ("pose", None, {"pose_estimator": {"hold_s": 0.31}}),
    "a constant that names another unit": (
        "emg", lambda patch: patch.setattr(emg_bridge, "NANOSECONDS", 10**9), {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_changes_nothing_raises_nothing(name, stages, monkeypatch):
    stage, plant, parameters = HARMLESS[name]
    made = stages[stage]
    if plant is not None:
        plant(monkeypatch)
    assert held_against_golden(made, parameters).passed


@pytest.mark.slow
def test_the_order_of_the_nodes_changes_nothing(stages):
    made = stages["score"]
    recogniser, scorer, speaker = made.nodes
    assert held_against_golden(made, kinds=(scorer, speaker, recogniser)).passed
