"""Which nodes of the graph a recording can feed."""

from pathlib import Path

import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.graph import SessionOptions
from lbp_rehab.paths import resource_dir
from lbp_rehab.replay.session import parts

SAMPLE = resource_dir() / "sample" / "glute_bridge"
CAMERA = {"/camera/color/image_raw", "/camera/color/camera_info"}
DEPTH = {"/camera/aligned_depth_to_color/image_raw"}
AFTER_POSE = ["pelvic_angle_estimator", "exercise_recogniser", "quality_scorer", "feedback_speaker"]


def names(topics, **options):
    return [part.kind.NAME for part in parts(topics, SessionOptions(**options), Path(SAMPLE))]


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (CAMERA | DEPTH, ["pose_estimator", *AFTER_POSE]),
        (CAMERA | {"/body/pose", "/pelvis/state"}, ["pose_estimator", *AFTER_POSE[1:]]),
        ({"/body/pose", "/pelvis/state"}, AFTER_POSE[1:]),
        ({"/body/pose"}, AFTER_POSE),
        ({"/quality/live"}, ["feedback_speaker"]),
        ({"/emg/raw", "/body/pose"}, [AFTER_POSE[0], "emg_bridge", *AFTER_POSE[1:]]),
    ],
)
def test_the_graph_begins_with_the_first_stage_that_was_recorded(topics, expected):
    assert names(topics) == expected


def test_a_namespace_and_a_stock_driver_s_topics_are_those_of_the_graph():
    lab = {"/lab/body/pose"}
    assert names(lab, namespace="lab") == AFTER_POSE
    with pytest.raises(InputError, match="its topics are /lab/body/pose"):
        names(lab)
    stock = {f"/cam{topic[len('/camera') :]}" for topic in CAMERA | DEPTH}
    assert names(stock, camera_topics="/cam") == ["pose_estimator", *AFTER_POSE]


def test_what_is_random_is_fixed_and_nothing_is_spoken():
    arguments = {p.kind.NAME: p.arguments for p in parts({"/body/pose"}, SessionOptions(), SAMPLE)}
    assert 'session_id:="replay"' in arguments["quality_scorer"]
    assert "mute:=true" in arguments["feedback_speaker"]
