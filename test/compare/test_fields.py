import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point, PoseStamped, Quaternion, TransformStamped
from sensor_msgs.msg import Image, JointState
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab import msg
from lbp_rehab.bags import Topic
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.fields import Moment, Rotation, branches, constant, flatten, sigma_path
from lbp_rehab.errors import InputError


def keypoint(name, status=msg.Estimate.MEASURED, x=1.0):
    return msg.Keypoint(name=name, status=status, position=Point(x=x), sigma_m=0.5, visibility=0.25)


def test_elements_go_by_their_name_wherever_they_stand(decoded):
    one = flatten(decoded(msg.BodyPose(keypoints=[keypoint("l_hip", x=3.0), keypoint("nose")])))
    other = flatten(decoded(msg.BodyPose(keypoints=[keypoint("nose"), keypoint("l_hip", x=3.0)])))
    assert one["keypoints[l_hip].position.x"] == other["keypoints[l_hip].position.x"] == 3.0
    assert one.keys() == other.keys()
    assert one["keypoints.length"] == 2


def test_markers_go_by_namespace_or_number(decoded):
    different = MarkerArray(markers=[Marker(ns="bones", id=1), Marker(ns="axes", id=1)])
    assert "markers[bones].scale.x" in flatten(decoded(different))
    numbered = MarkerArray(markers=[Marker(ns="points", id=4), Marker(ns="points", id=7)])
    assert "markers[7].scale.x" in flatten(decoded(numbered))


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (msg.Repetition(faults=[msg.Fault(id="pelvis_drops")]), "faults[pelvis_drops].severity"),
        (msg.Repetition(sub_scores=[msg.SubScore(kind=4)]), "sub_scores[tempo].weight"),
        (
            msg.EmgActivation(
                muscles=[msg.MuscleActivation(channel=msg.EmgChannel(label="mf_l"))],
            ),
            "muscles[mf_l].active",
        ),
        (
            DiagnosticArray(
                status=[DiagnosticStatus(name="a.b: c", values=[KeyValue(key="fps", value="3")])]
            ),
            "status[a.b: c].values[fps].value",
        ),
    ],
)
def test_an_element_goes_by_what_its_type_has_for_a_name(message, path, decoded):
    assert path in flatten(decoded(message))


def test_elements_of_one_name_are_numbered_and_none_is_lost(decoded):
    names = ["a", "a", "a:0", "", ""]
    message = msg.Repetition(
        faults=[msg.Fault(id=n, points_lost=float(k)) for k, n in enumerate(names)]
    )
    leaves = flatten(decoded(message))
    lost = {p: v for p, v in leaves.items() if p.endswith("points_lost") and p != "points_lost"}
    assert sorted(lost.values()) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert leaves["faults[a:1].points_lost"] == 1.0


def test_elements_without_a_name_go_by_their_place(decoded):
    leaves = flatten(decoded(Marker(points=[Point(x=1.0), Point(x=2.0)])))
    assert leaves["points[1].x"] == 2.0


def test_an_empty_list_is_its_length(decoded):
    leaves = flatten(decoded(msg.Repetition()))
    assert leaves["faults.length"] == leaves["not_assessed.length"] == 0
    assert not [p for p in leaves if p.startswith(("faults[", "not_assessed["))]


def test_a_list_of_texts_is_one_value(decoded):
    leaves = flatten(decoded(msg.Repetition(not_assessed=["knees", "tempo"])))
    assert leaves["not_assessed"] == "knees, tempo"
    assert leaves["not_assessed.length"] == 2


def test_numbers_in_a_row_are_one_array(decoded):
    leaves = flatten(decoded(Image(data=b"\x01\x02\x03")))
    assert leaves["data"].tolist() == [1, 2, 3]
    leaves = flatten(decoded(JointState(name=["a"], position=[0.5])))
    assert leaves["position"].tolist() == [0.5]
    assert isinstance(flatten(decoded(JointState()))["position"], np.ndarray)


def test_numbers_beside_unknown_are_left_out_and_the_reason_is_not(decoded):
    message = msg.PelvisState()
    message.tilt = msg.Estimate(status=0, reason=msg.Estimate.REASON_OCCLUDED, value=7.0)
    message.obliquity = msg.Estimate(status=1, value=7.0)
    leaves = flatten(decoded(message))
    assert {p for p in leaves if p.startswith("tilt.")} == {"tilt.status", "tilt.reason"}
    assert leaves["obliquity.value"] == 7.0
    unknown = msg.BodyPose(keypoints=[keypoint("nose", status=0)])
    assert {p for p in flatten(decoded(unknown)) if p.startswith("keypoints[")} == {
        f"keypoints[nose].{name}" for name in ("name", "status", "reason", "visibility")
    }


def test_another_packages_status_of_zero_hides_nothing(decoded):
    status = DiagnosticStatus(name="a", message="m")
    assert flatten(decoded(DiagnosticArray(status=[status])))["status[a].message"] == "m"


def test_times_and_rotations_are_values_of_their_own(decoded):
    assert flatten(decoded(msg.Fault(start=Time(sec=2, nanosec=5))))["start"] == Moment(
        2 * 10**9 + 5
    )
    assert flatten(decoded(Marker(lifetime=Duration(sec=-1, nanosec=5))))["lifetime"] == Moment(
        -(10**9) + 5
    )
    pose = PoseStamped()
    pose.pose.orientation = Quaternion(x=0.6, w=0.8)
    assert flatten(decoded(pose))["pose.orientation"] == Rotation((0.6, 0.0, 0.0, 0.8))


def test_only_some_paths_are_the_same_values_as_of_all(decoded):
    message = decoded(
        msg.BodyPose(
            keypoints=[keypoint("l_hip", x=2.0), keypoint("nose", status=0)],
            support_height=msg.Estimate(status=1, value=3.0),
        )
    )
    wanted = (
        "keypoints[l_hip].position.x", "keypoints[nose].position.x", "support_height.value",
        "header.stamp", "not.there",
    )  # fmt: skip
    everything = flatten(message)
    some = flatten(message, branches(wanted))
    assert {p: some[p] for p in wanted if p in some} == {
        p: everything[p] for p in wanted if p in everything
    }
    assert "keypoints[l_hip].position.y" not in some
    assert flatten(message, branches(["not.there"])) == {}


def test_branches_are_all_that_a_path_goes_through():
    assert branches(["a[b.c].d"]) >= {"a", "a[b.c]", "a[b.c].d"}


def test_constants_are_told_by_their_names(decoded):
    repetition = decoded(msg.Repetition(grade=msg.Repetition.GRADE_TRY_AGAIN))
    assert constant(repetition, "grade", 1) == "TRY_AGAIN"
    assert constant(repetition, "outcome", 1) == "COMPLETE"
    assert constant(repetition, "outcome", 77) == "77"
    assert constant(decoded(msg.Estimate()), "status", 3) == "HELD"
    assert constant(decoded(msg.Estimate()), "reason", 3) == "OCCLUDED"
    assert constant(decoded(DiagnosticStatus()), "level", 2) == "ERROR"


@pytest.mark.parametrize(
    ("path", "sigma"),
    [
        ("tilt.value", "tilt.sigma"),
        ("faults[a].measured.value", "faults[a].measured.sigma"),
        ("keypoints[l_hip].position.y", "keypoints[l_hip].sigma_m"),
        ("pose.pose.position.x", None),
        ("keypoints[l_hip].visibility", None),
        ("value_of", None),
    ],
)
def test_the_sigma_of_a_value_stands_beside_it(path, sigma):
    assert sigma_path(path) == sigma


def test_bytes_that_are_no_message_of_the_type_are_one_sentence():
    decode = Decoder(Topic("/pose", "lbp_rehab/msg/BodyPose"))
    with pytest.raises(InputError, match="a message of /pose is no lbp_rehab/msg/BodyPose"):
        decode(b"\x00\x01\x00\x00" + b"\xff" * 40)


def test_the_stamp_is_read_in_either_byte_order(decoded):
    decode = Decoder(Topic("/tf", "geometry_msgs/msg/TransformStamped"))
    little = b"\x00\x01\x00\x00" + (5).to_bytes(4, "little") + (7).to_bytes(4, "little")
    big = b"\x00\x00\x00\x00" + (5).to_bytes(4, "big") + (7).to_bytes(4, "big")
    assert decode.stamp_ns(little, 1) == decode.stamp_ns(big, 1) == 5_000_000_007
    assert decode.stamp_ns(b"", 1) == 1
    assert Decoder(Topic("/p", "geometry_msgs/msg/Point")).stamp_ns(little, 1) == 1
    assert flatten(decoded(TransformStamped(child_frame_id="a")))["child_frame_id"] == "a"


def test_bytes_behind_the_last_field_mean_nothing(decoded):
    plain, longer = JointState(name=["a"]), JointState(name=["a"])
    longer.velocity = [1.0, 2.0]
    assert flatten(decoded(plain))["effort"].tolist() == []
    assert flatten(decoded(longer))["velocity"].tolist() == [1.0, 2.0]
