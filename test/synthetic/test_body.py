import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.synthetic.body import JOINTS, LANDMARKS, Pose, vertex_normals
from lbp_rehab.synthetic.bridge import pelvis_axes
from lbp_rehab.synthetic.movement import Dof
from lbp_rehab.synthetic.truth import cardan, hip_extension_rad


def dof(**values):
    row = np.zeros(len(Dof))
    for name, value in values.items():
        row[Dof[name.upper()]] = value
    return row


def joint(body, pose, name):
    return body.joints(pose)[JOINTS.index(name)]


def test_rest_pose_leaves_the_surface_and_joints_in_place(body):
    np.testing.assert_allclose(body.skin(body.rest_pose()), body.vertices, atol=1e-12)
    np.testing.assert_allclose(body.bone_heads(body.rest_pose()), body.heads, atol=1e-12)


def test_turning_every_bone_moves_the_body_rigidly(body):
    turn = Rotation.from_rotvec([0.3, -0.5, 0.9]).as_matrix()
    pose = Pose(np.tile(turn, (len(body.bones), 1, 1)), np.array([1.0, 2.0, 3.0]))
    expected = (body.vertices - body.heads[0]) @ turn.T + pose.root_m
    np.testing.assert_allclose(body.skin(pose), expected, atol=1e-9)
    landmarks = expected[body.landmark_vertices]
    np.testing.assert_allclose(body.landmarks(pose), landmarks, atol=1e-9)


def test_body_is_an_adult_with_landmarks_on_the_right_sides(body):
    assert 1.5 < np.ptp(body.vertices[:, 2]) < 2.0
    at = dict(zip(LANDMARKS, body.vertices[body.landmark_vertices], strict=True))
    assert at["l_asis"][0] > 0.05 > -0.05 > at["r_asis"][0]  # x is left
    assert at["l_asis"][1] < at["l_psis"][1]  # y is back
    assert 0.15 < np.linalg.norm(at["l_asis"] - at["r_asis"]) < 0.30


def test_normals_point_outwards(body):
    normals = vertex_normals(body.vertices, body.faces)
    torso = body.dominant("spine02")
    outward = body.vertices[torso] * [1.0, 1.0, 0.0]
    assert ((normals[torso] * outward).sum(axis=1) > 0).mean() > 0.9


def test_bones_keep_their_length_through_the_bridge(body, poser):
    lengths = []
    for lift in (0.0, 0.5, 1.0):
        pose = poser.pose(dof(lift=lift, obliquity=0.1, knee_abduction=-0.2))
        heads = body.bone_heads(pose)
        lengths.append(np.linalg.norm(heads[1:] - heads[body.parents[1:]], axis=1))
    np.testing.assert_allclose(lengths[1], lengths[0], atol=1e-9)
    np.testing.assert_allclose(lengths[2], lengths[0], atol=1e-9)


def test_feet_do_not_move_and_shoulders_stay_on_the_mat(body, poser):
    rows = [dof(lift=x) for x in (0.0, 0.4, 1.0)] + [dof(lift=1.0, obliquity=np.radians(10))]
    poses = [poser.pose(row) for row in rows]
    for name in ("l_ankle", "r_ankle", "l_toe", "r_toe"):
        places = np.array([joint(body, p, name) for p in poses])
        assert np.ptp(places, axis=0).max() < 1e-9, name
    back = np.flatnonzero(body.dominant("spine01", "shoulder01"))
    skull = np.flatnonzero(body.dominant("head"))
    for pose in poses:
        assert -0.02 < body.skin(pose, back)[:, 2].min() < 0.005
        assert -0.02 < body.skin(pose, skull)[:, 2].min() < 0.005


def test_full_lift_brings_the_hips_to_the_shoulder_knee_line(body, poser):
    angles = [hip_extension_rad(body, poser.pose(dof(lift=lift))) for lift in (0.0, 1.0, 1.1)]
    assert np.degrees(angles[0]) < 140.0
    assert np.degrees(angles[1]) == pytest.approx(180.0, abs=0.5)
    assert np.degrees(angles[2]) > 182.0


def test_obliquity_is_the_true_angle_against_gravity_at_any_lift(poser):
    for lift in (0.0, 0.6, 1.0):
        for angle in (-0.15, 0.0, 0.2):
            axes = pelvis_axes(poser.pose(dof(lift=lift, obliquity=angle)))
            assert cardan(axes)[1] == pytest.approx(angle, abs=1e-9)


def test_right_side_is_the_higher_one_with_positive_obliquity(body, poser):
    pose = poser.pose(dof(lift=1.0, obliquity=np.radians(10)))
    assert joint(body, pose, "r_hip")[2] - joint(body, pose, "l_hip")[2] > 0.025


def test_knees_fall_in_and_out(body, poser):
    def width(angle):
        pose = poser.pose(dof(lift=1.0, knee_abduction=angle))
        return np.linalg.norm(joint(body, pose, "l_knee") - joint(body, pose, "r_knee"))

    assert width(-0.3) < width(0.0) - 0.08
    assert width(0.3) > width(0.0) + 0.08
