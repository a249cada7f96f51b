import re
import sys
from dataclasses import replace

import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.graph import RESULTS, SessionOptions, option_help, session_graph
from lbp_rehab.paths import resource_dir

SAMPLE = str(resource_dir() / "sample" / "glute_bridge")
LIVE = SessionOptions(camera="webcam:0")


def names(options):
    return [spec.name for spec in session_graph(options)]


def spec_of(options, name):
    return next(spec for spec in session_graph(options) if spec.name == name)


def test_a_session_runs_the_seven_nodes():
    assert names(replace(LIVE, emg="lsl:name=emg")) == [
        "camera_driver",
        "pose_estimator",
        "pelvic_angle_estimator",
        "emg_bridge",
        "exercise_recogniser",
        "quality_scorer",
        "feedback_speaker",
    ]


def test_parts_that_are_not_asked_for_do_not_run():
    assert "emg_bridge" not in names(LIVE)
    assert "lsl_outlet" not in names(replace(LIVE, emg="lsl:name=emg"))
    assert "lsl_outlet" in names(replace(LIVE, lsl_outlet=True))
    assert "exercise_recogniser" not in names(replace(LIVE, no_recognition=True))
    assert "recorder" not in names(LIVE)
    assert "camera_driver" not in names(replace(LIVE, camera="none"))
    assert "recorder" in names(replace(LIVE, record="/tmp/a_bag_that_does_not_exist"))


def test_options_become_parameters_and_empty_ones_leave_the_files_alone():
    spec = spec_of(replace(LIVE, subject="left", person="007"), "pose_estimator")
    assert spec.parameters == {"subject": "left", "person_id": "007"}
    arguments = spec.ros_arguments()
    assert 'person_id:="007"' in arguments
    assert arguments.count("--params-file") == 1


@pytest.mark.parametrize(
    ("topic", "is_result"),
    [
        ("/body/pose", True),
        ("/lab/rig1/pelvis/state", True),
        ("/pelvis/landmarks", True),
        ("/emg/activation", True),
        ("/exercise/recognition", True),
        ("/diagnostics", True),
        ("/lab/calibrate_neutral/_service_event", True),
        ("/emg/raw", False),
        ("/camera/color/image_raw", False),
        ("/truth/pelvis/state", False),
    ],
)
def test_a_played_bag_leaves_out_its_results_only(topic, is_result):
    assert bool(re.fullmatch(RESULTS, topic)) == is_result


def test_a_stock_driver_is_reached_by_remapping():
    spec = spec_of(replace(LIVE, camera="none", camera_topics="/camera/camera"), "pose_estimator")
    assert ("camera/color/image_raw", "/camera/camera/color/image_raw") in spec.remappings
    assert "camera/color/camera_info:=/camera/camera/color/camera_info" in spec.ros_arguments()


def test_a_stock_drivers_depth_reaches_the_pelvis():
    options = replace(LIVE, camera="none", camera_topics="/camera/camera")
    arguments = spec_of(options, "pelvic_angle_estimator").ros_arguments()
    for topic in ("aligned_depth_to_color/image_raw", "color/camera_info"):
        assert f"camera/{topic}:=/camera/camera/{topic}" in arguments
    assert spec_of(options, "quality_scorer").remappings == ()


def test_the_channel_file_and_the_outlets_reach_their_nodes():
    options = SessionOptions(
        camera="none", emg="topic", play=SAMPLE, lsl_outlet=True, emg_channels="my.yaml"
    )
    assert spec_of(options, "emg_bridge").parameters["channel_file"] == "my.yaml"
    wanted = spec_of(options, "player").parameters["wait_for"]
    assert {"emg/activation=2", "quality/live=2"} <= set(wanted)


def test_a_namespace_holds_for_every_node():
    for spec in session_graph(replace(LIVE, namespace="lab/rig1")):
        assert "__ns:=/lab/rig1" in spec.ros_arguments()


def test_a_played_bag_brings_its_time_and_waits_for_every_reader():
    options = SessionOptions(camera="none", emg="topic", play=SAMPLE, record="/tmp/none_such")
    specs = {spec.name: spec for spec in session_graph(options)}
    assert all(s.parameters.get("use_sim_time") for n, s in specs.items() if n != "player")
    assert "use_sim_time" not in specs["player"].parameters
    assert not specs["player"].respawn
    assert "camera/color/image_raw=2" in specs["player"].parameters["wait_for"]
    assert "body/pose=4" in specs["player"].parameters["wait_for"]
    # Pose and pelvis; the recorder reads no depth of a bag without.
    assert "camera/aligned_depth_to_color/image_raw=2" in specs["player"].parameters["wait_for"]
    assert "camera/color/camera_info=2" in specs["player"].parameters["wait_for"]


def test_a_bag_is_played_into_the_namespace_of_the_graph():
    played = SessionOptions(camera="none", play=SAMPLE, camera_topics="/camera/camera")
    assert spec_of(played, "player").parameters["relative"] is False
    for namespace in ("lab1", "/lab1/"):
        options = replace(played, namespace=namespace)
        assert spec_of(options, "player").parameters["relative"] is True
        # The stock driver's topics of the bag land there as well.
        (source, target), *_ = spec_of(options, "pose_estimator").remappings
        assert (source, target) == ("camera/color/image_raw", "camera/camera/color/image_raw")
        wanted = spec_of(options, "player").parameters["wait_for"]
        assert "camera/camera/color/image_raw=1" in wanted


@pytest.mark.parametrize("prefix", ["", "/lab1", "/lab/rig_2"])
def test_results_in_a_bag_are_known_under_any_namespace(prefix):
    for topic in ("body/pose", "pelvis/state", "session/state", "emg/activation"):
        assert re.fullmatch(RESULTS, f"{prefix}/{topic}")
    for topic in ("emg/raw", "camera/color/image_raw"):
        assert not re.fullmatch(RESULTS, f"{prefix}/{topic}")


def test_a_parameter_file_gives_each_node_what_concerns_it_and_the_options_win(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "/**:\n  ros__parameters:\n    person_id: p7\n    hold_s: 0.5\n    mute: true\n"
        "quality_scorer:\n  ros__parameters:\n    misspelt: 1\n"
    )
    options = replace(LIVE, params=str(path), person="p8")
    assert spec_of(options, "pose_estimator").parameters == {"person_id": "p8", "hold_s": 0.5}
    assert spec_of(options, "quality_scorer").parameters == {"person_id": "p8", "misspelt": 1}
    assert spec_of(options, "pelvic_angle_estimator").parameters == {}


def test_the_command_runs_the_node_in_this_python():
    command = spec_of(LIVE, "pose_estimator").command()
    assert command[:4] == [sys.executable, "-m", "lbp_rehab.start", "pose_estimator"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (SessionOptions(camera="webcam:0", play=SAMPLE), "--camera none"),
        (SessionOptions(camera="none", play="/no/such"), "no bag"),
        (SessionOptions(params="/no/such.yaml"), "does not exist"),
        (SessionOptions(record="/tmp"), "exists already"),
        (SessionOptions(namespace="bad name"), "namespace"),
        (SessionOptions(namespace="lab//rig"), "namespace"),
        (SessionOptions(namespace="/1st"), "namespace"),
    ],
)
def test_contradictions_are_refused_in_one_sentence(options, says):
    with pytest.raises(InputError, match=says):
        session_graph(options)


def test_every_option_explains_itself():
    for name, (_, text) in option_help().items():
        assert len(text) > 10, name


def test_a_skeleton_takes_the_place_of_camera_and_pose_estimator():
    options = replace(
        LIVE, camera="none", skeleton="file:a.csv", skeleton_layout="kinect25", skeleton_rate=30.0
    )
    assert names(options) == [
        "skeleton_bridge",
        "pelvic_angle_estimator",
        "exercise_recogniser",
        "quality_scorer",
        "feedback_speaker",
    ]
    spec = spec_of(options, "skeleton_bridge")
    assert spec.ends_session
    assert spec.parameters["source"] == "file:a.csv"
    assert spec.parameters["layout"] == "kinect25"
    assert spec.parameters["rate_hz"] == 30.0
    assert spec.parameters["wait_for"] == ["body/pose=3", "pelvis/state=2", "quality/live=1"]
    alone = spec_of(replace(options, no_recognition=True), "skeleton_bridge")
    assert alone.parameters["wait_for"] == ["body/pose=2", "pelvis/state=1", "quality/live=1"]
    live = spec_of(replace(options, skeleton="markers"), "skeleton_bridge")
    assert not live.ends_session
    assert "wait_for" not in live.parameters
    assert "skeleton_bridge" not in names(LIVE)
    with pytest.raises(InputError, match="add --camera none"):
        session_graph(replace(options, camera="webcam:0"))


def test_a_played_bag_waits_for_the_reader_of_its_markers():
    options = SessionOptions(camera="none", play=SAMPLE, skeleton="markers")
    waits = spec_of(options, "player").parameters["wait_for"]
    assert "body_tracking_data=1" in waits
    assert not any(entry.startswith("camera/") for entry in waits)


def test_an_exercise_by_path_becomes_a_name_and_a_folder_for_both_nodes(tmp_path, monkeypatch):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "hop.yaml").write_text("name: hop\n")
    monkeypatch.chdir(tmp_path)
    for options in (
        replace(LIVE, exercise="my/hop.yaml"),
        replace(LIVE, exercise="my/hop.yaml", exercise_folder="my"),
        replace(LIVE, exercise="hop", exercise_folder="my"),
    ):
        scorer, speaker = (spec_of(options, n) for n in ("quality_scorer", "feedback_speaker"))
        assert scorer.parameters["exercise"] == "hop"
        for spec in (scorer, speaker):
            assert spec.parameters["exercise_folder"] == str(tmp_path / "my")
    assert (
        "exercise_folder"
        not in spec_of(replace(LIVE, exercise="clam"), "quality_scorer").parameters
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"exercise": "none/such.yaml"}, "no exercise file 'none/such.yaml'"),
        ({"exercise_folder": "none"}, "no folder of exercises 'none'"),
        ({"exercise": "hop.yaml", "exercise_folder": "other"}, "'hop.yaml' is not in 'other'"),
    ],
)
def test_exercises_that_no_node_would_find_are_refused(tmp_path, monkeypatch, options, complaint):
    (tmp_path / "other").mkdir()
    (tmp_path / "hop.yaml").write_text("name: hop\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=complaint):
        session_graph(replace(LIVE, **options))
