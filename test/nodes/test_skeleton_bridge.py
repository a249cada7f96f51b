"""Another tracker's skeletons over DDS: markers, poses and files to ``body/pose`` and a score."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_msgs.msg import Point, Pose, PoseArray
from lbp_rehab.msg import BodyPose, Repetition
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.convert import from_body_pose, to_ns, to_stamp
from lbp_rehab.nodes.quality_scorer import QualityScorer
from lbp_rehab.nodes.skeleton_bridge import MARKERS, POSES, SkeletonBridgeNode
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.quality import measures
from lbp_rehab.skeletons.axes import optical_axes
from lbp_rehab.skeletons.layouts import LAYOUTS

pytestmark = pytest.mark.graph
START_NS = 1_700_000_000 * 10**9


def joints_of(shape, layout):
    """The standing shape as the layout's joints in its axes, 2.5 m from the tracker."""
    axes = optical_axes(layout.up)
    joints = np.zeros((len(layout.joints), 3))
    for ours, theirs in layout.points.items():
        place = shape[INDEX[ours]] + np.array([0.0, 0.0, 2.5])
        joints[layout.joints.index(theirs)] = place @ axes
    return joints


def bent(shape, angle):
    """The standing shape, bent forwards at the hips."""
    c, s = np.cos(angle), np.sin(angle)
    turned = shape @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    legs = [n.endswith(("hip", "knee", "ankle", "heel", "toe")) for n in NAMES]
    turned[legs] = shape[legs]
    return turned


def markers(bodies, stamp_ns):
    """Markers as Azure_Kinect_ROS_Driver sends them, joints by body number."""
    out = MarkerArray()
    for body, joints in bodies.items():
        for joint, (x, y, z) in enumerate(joints):
            marker = Marker(id=100 * body + joint, type=Marker.SPHERE)
            marker.header.stamp = to_stamp(stamp_ns)
            marker.pose.position = Point(x=x, y=y, z=z)
            out.markers.append(marker)
    return out


def pose_array(joints, stamp_ns):
    out = PoseArray(poses=[Pose(position=Point(x=x, y=y, z=z)) for x, y, z in joints.tolist()])
    out.header.stamp = to_stamp(stamp_ns)
    return out


def write_kinect(path, joints, rows):
    row = ",".join(f"{v:.6f}" for joint in joints for v in (*joint, 2 * bool(joint.any())))
    path.write_text("\n".join([row] * rows) + "\n")


def test_an_azure_kinects_markers_become_poses_of_one_body(bench, standing_shape):
    node = bench.start(SkeletonBridgeNode, source="markers", person_id="p7")
    bench.listen(node, body_pose=BodyPose, body_markers=MarkerArray)
    joints = joints_of(standing_shape, LAYOUTS["azure32"])
    far = joints + np.array([0.0, 0.0, 2.0])
    bench.publish(MARKERS, markers({3: far, 5: joints}, START_NS))
    bench.publish(MARKERS, MarkerArray())  # nobody: no stamp, no pose
    bench.publish(MARKERS, markers({3: far}, START_NS + 10**8))
    bench.until(lambda: len(bench.messages["body/pose"]) == 2)
    first, second = (from_body_pose(m) for m in bench.messages["body/pose"])
    assert first.stamp_ns == START_NS
    assert (first.person_id, first.track_id, second.track_id) == ("p7", 1, 2)
    assert first.backend == "skeleton-azure32"
    assert second.point("nose")[2] - first.point("nose")[2] == pytest.approx(2.0)
    assert measures.from_pose("hip_extension", first).value == pytest.approx(np.pi, abs=0.1)
    bench.until(lambda: len(bench.messages["body/markers"]) == 2)
    _, sentence, values = node.health()
    assert sentence == "skeletons of Azure Kinect come"
    assert values["track_id"] == "2"


def test_poses_of_another_number_are_dropped_and_counted(bench, standing_shape):
    node = bench.start(SkeletonBridgeNode, source="poses", layout="coco17", unit="mm")
    bench.listen(node, body_pose=BodyPose)
    joints = 1000.0 * joints_of(standing_shape, LAYOUTS["coco17"])
    bench.publish(POSES, pose_array(joints[:-1], START_NS))
    bench.publish(POSES, pose_array(joints, START_NS + 10**8))
    bench.until(lambda: bench.messages["body/pose"])
    (message,) = bench.messages["body/pose"]
    assert to_ns(message.header.stamp) == START_NS + 10**8
    assert node.dropped[POSES] == 1
    hips = from_body_pose(message)
    assert np.linalg.norm(hips.point("l_hip") - hips.point("r_hip")) == pytest.approx(0.2)


def test_a_file_is_played_whole_with_its_pace_in_the_stamps(bench, standing_shape, tmp_path):
    path = tmp_path / "kinect.csv"
    write_kinect(path, joints_of(standing_shape, LAYOUTS["kinect25"]), rows=40)
    node = bench.start(
        SkeletonBridgeNode, source=f"file:{path}", layout="kinect25", rate_hz=200.0,
        wait_for=["body/pose"], exit_at_end=True,
    )  # fmt: skip
    bench.listen(node, body_pose=BodyPose)
    bench.until(lambda: node.finished.done() and len(bench.messages["body/pose"]) == 40)
    stamps = [to_ns(m.header.stamp) for m in bench.messages["body/pose"]]
    assert np.diff(stamps).tolist() == [5_000_000] * 39
    assert node.health()[1] == "kinect.csv is over"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"source": "file:a.csv"}, "give the parameter 'layout'"),
        ({"source": "poses"}, "give the parameter 'layout'"),
        ({"source": "kinect"}, "source 'kinect' is none of file:"),
        ({"source": "file:none.csv", "layout": "coco17"}, "cannot read none.csv"),
        ({"source": "markers", "layout": "coco"}, "choose one of"),
    ],
)
def test_a_wrong_setting_ends_the_node_with_a_sentence(bench, parameters, says):
    with pytest.raises(InputError, match=says):
        bench.start(SkeletonBridgeNode, **parameters)


def test_the_scorer_counts_another_trackers_bends(bench, standing_shape):
    layout = LAYOUTS["halpe26"]
    bridge = bench.start(SkeletonBridgeNode, source="poses", layout="halpe26")
    scorer = bench.start(QualityScorer, exercise="forward_bend")
    bench.listen(scorer, quality_repetition=Repetition)
    publisher = bench.listener.create_publisher(PoseArray, POSES, qos.RESULT)
    bench.until(lambda: publisher.get_subscription_count() == 1)
    bench.until(lambda: bridge.count_subscribers("body/pose") == 1)
    way = 0.8 * (1 - np.cos(np.pi * np.arange(45) / 45))
    angles = np.concatenate([np.zeros(30), *([way, way[::-1], np.zeros(30)] * 2)])
    for k, angle in enumerate(angles):
        joints = joints_of(bent(standing_shape, angle), layout)
        publisher.publish(pose_array(joints, START_NS + round(k / 15 * 1e9)))
        bench.until(lambda k=k: scorer.received["body/pose"] > k)
    bench.until(lambda: len(bench.messages["quality/repetition"]) == 2)
    for message in bench.messages["quality/repetition"]:
        assert message.outcome == Repetition.OUTCOME_COMPLETE
