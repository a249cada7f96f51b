from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.synthetic.person.body import (
    JOINTS,
    LANDMARKS,
    Pose,
    enclosed_m3,
    load,
    vertex_normals,
)

# Women and men from thin to heavy.
SHAPES = [
    {"gender": 1.0, "weight": 0.2, "muscle": 0.3, "height": 0.3},
    {"gender": 1.0, "weight": 0.6, "muscle": 0.4, "height": 0.4},
    {"gender": 1.0, "weight": 1.2, "muscle": 0.15, "height": 0.35, "age": 0.9},
    {"gender": 0.0, "weight": 0.1, "muscle": 0.4, "height": 0.35},
    {"gender": 0.0, "weight": 0.6, "muscle": 0.5, "height": 0.3, "age": 0.8},
    {"gender": 0.0, "weight": 1.1, "muscle": 0.2, "height": 0.4},
]


@pytest.fixture(params=range(len(SHAPES)), scope="module")
def shaped(request, synthetic_extra):
    return load(SHAPES[request.param])


def bent(body):
    """A pose with every bone turned differently."""
    rng = np.random.default_rng(3)
    turns = Rotation.from_rotvec(rng.normal(0.0, 0.4, (len(body.bones), 3))).as_matrix()
    return Pose(turns, np.array([0.3, -1.0, 0.8]))


def at_rest(body):
    found = body.keypoints(body.rest_pose())
    return {name: found[i] for name, i in INDEX.items()}


def test_rest_pose_leaves_the_surface_and_joints_in_place(body):
    np.testing.assert_allclose(body.skin(body.rest_pose()), body.vertices, atol=1e-12)
    np.testing.assert_allclose(body.bone_heads(body.rest_pose()), body.heads, atol=1e-12)


def test_turning_every_bone_moves_the_body_rigidly(body):
    turn = Rotation.from_rotvec([0.3, -0.5, 0.9]).as_matrix()
    pose = Pose(np.tile(turn, (len(body.bones), 1, 1)), np.array([1.0, 2.0, 3.0]))

    def moved(points):
        return (points - body.heads[0]) @ turn.T + pose.root_m

    np.testing.assert_allclose(body.skin(pose), moved(body.vertices), atol=1e-9)
    np.testing.assert_allclose(body.landmarks(pose), moved(body.landmark_rest_m), atol=1e-9)
    np.testing.assert_allclose(body.keypoints(pose), moved(body.keypoint_rest_m), atol=1e-9)


def test_skin_is_the_weighted_mean_of_what_each_bone_would_do(body):
    pose = bent(body)
    heads = body.bone_heads(pose)
    chosen = np.arange(0, len(body.vertices), 97)
    expected = [
        sum(
            share * (heads[b] + pose.rotation[b] @ (body.vertices[v] - body.heads[b]))
            for b, share in zip(body.weight_bones[v], body.weights[v], strict=True)
        )
        for v in chosen
    ]
    np.testing.assert_allclose(body.skin(pose, chosen), expected, atol=1e-12)
    np.testing.assert_allclose(body.skin(pose)[chosen], expected, atol=1e-12)


def test_bones_keep_their_length_in_any_pose(body):
    heads = body.bone_heads(bent(body))
    lengths = [np.linalg.norm(h[1:] - h[body.parents[1:]], axis=1) for h in (heads, body.heads)]
    np.testing.assert_allclose(lengths[0], lengths[1], atol=1e-12)


def test_keypoints_of_joints_are_where_bones_start(body):
    pose = bent(body)
    heads, found = body.bone_heads(pose), body.keypoints(pose)
    for name, bone in (("l_shoulder", "upperarm01.L"), ("r_knee", "lowerleg01.R")):
        np.testing.assert_allclose(found[INDEX[name]], heads[body.bone(bone)], atol=1e-12)
    named = [INDEX[name] for name in JOINTS if not name.endswith("toe")]
    np.testing.assert_allclose(found[named], body.joints(pose)[:-2], atol=1e-12)


def test_keypoints_mirror_and_lie_in_anatomical_order(shaped):
    at = at_rest(shaped)
    for name in at:
        if name.startswith("l_"):
            mirrored = at["r_" + name[2:]] * [-1.0, 1.0, 1.0]
            np.testing.assert_allclose(at[name], mirrored, atol=2e-3, err_msg=name)
            assert at[name][0] > 0.0, name
    assert abs(at["nose"][0]) < 2e-3
    assert at["nose"][1] < min(at["l_eye"][1], at["l_mouth"][1]) < at["l_ear"][1]
    assert at["l_eye_inner"][0] < at["l_eye"][0] < at["l_eye_outer"][0] < at["l_ear"][0]
    down = ["l_eye", "nose", "l_mouth", "l_shoulder", "l_hip", "l_knee", "l_ankle", "l_heel"]
    assert (np.diff([at[name][2] for name in down]) < 0.0).all()
    assert at["l_toe"][1] < at["l_ankle"][1] < at["l_heel"][1]
    assert np.linalg.norm(at["l_toe"] - at["l_heel"]) == pytest.approx(0.26, abs=0.05)
    assert 0.05 < np.linalg.norm(at["l_index"] - at["l_wrist"]) < 0.14
    assert at["l_index"][1] < at["l_pinky"][1]  # palms face down and back


def test_points_of_face_hands_and_feet_lie_on_the_surface(shaped):
    at = at_rest(shaped)
    for name in ("nose", "l_eye", "l_eye_outer", "r_ear", "l_mouth", "r_heel", "l_toe"):
        assert np.linalg.norm(shaped.vertices - at[name], axis=1).min() < 0.012, name


def test_pelvic_landmarks_are_on_the_right_sides_at_plausible_places(shaped):
    at = dict(zip(LANDMARKS, shaped.landmarks(shaped.rest_pose()), strict=True))
    hip = shaped.heads[shaped.bone("upperleg01.L")]
    assert at["l_asis"][0] > at["l_psis"][0] > 0.0 > at["r_psis"][0] > at["r_asis"][0]
    assert 0.20 < np.linalg.norm(at["l_asis"] - at["r_asis"]) < 0.28
    assert 0.07 < np.linalg.norm(at["l_psis"] - at["r_psis"]) < 0.12
    forth, up = (at["l_psis"] - at["l_asis"])[1:]
    assert 0.11 < forth < 0.19
    assert np.degrees(np.arctan2(up, forth)) == pytest.approx(11.0, abs=2.0)
    assert 0.06 < at["l_asis"][2] - hip[2] < 0.10
    assert at["l_asis"][1] < hip[1] < at["l_psis"][1]


def turns_around(body, place):
    """How often the surface winds around a place: 1 inside, 0 outside (Van Oosterom 1983)."""
    a, b, c = (body.vertices[body.faces[:, k]] - place for k in range(3))
    la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    dots = [(x * y).sum(axis=1) * z for x, y, z in ((a, b, lc), (b, c, la), (c, a, lb))]
    return 2.0 * np.arctan2(volume, la * lb * lc + sum(dots)).sum() / (4.0 * np.pi)


def test_pelvic_landmarks_lie_inside_the_skin(shaped):
    for place in shaped.landmark_rest_m:
        assert turns_around(shaped, place) == pytest.approx(1.0, abs=1e-6)
        assert np.linalg.norm(shaped.vertices - place, axis=1).min() < 0.09


def test_more_fat_covers_the_same_bony_pelvis(synthetic_extra):
    slim, heavy = (load({"gender": 1.0, "muscle": 0.5, "weight": w}) for w in (0.65, 1.3))
    sizes = [np.diff(b.landmark_rest_m, axis=0) for b in (slim, heavy)]
    np.testing.assert_allclose(sizes[0], sizes[1], atol=1e-12)


def test_normals_point_outwards(body):
    torso = body.dominant("spine02")
    outward = body.vertices[torso] * [1.0, 1.0, 0.0]
    assert ((body.normals[torso] * outward).sum(axis=1) > 0).mean() > 0.9
    np.testing.assert_allclose(body.normals, vertex_normals(body.vertices, body.faces))


def test_volume_of_a_tetrahedron():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]) + 5.0
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32)
    assert enclosed_m3(corners, faces) == pytest.approx(1.0)


@pytest.mark.parametrize("wall", [0, 1])
def test_a_breath_moves_its_wall_outwards_by_its_depth(shaped, wall):
    breath = (0.02, 0.0) if wall == 0 else (0.0, 0.02)
    moved = shaped.skin(shaped.rest_pose(), breath=breath) - shaped.vertices
    outward = (moved * shaped.normals).sum(axis=1)
    assert outward.min() > -1e-12
    assert outward.max() == pytest.approx(0.02)
    top = shaped.vertices[np.argmax(outward)]
    low, high = [("root", "spine02"), ("spine03", "neck01")][wall]
    heads = shaped.heads
    assert heads[shaped.bone(low), 2] < top[2] < heads[shaped.bone(high), 2]
    assert top[1] < heads[0, 1]
    still = shaped.dominant("head", "lowerarm", "wrist", "finger", "lowerleg", "foot")
    assert outward[still].max() < 1e-3


def test_a_breath_follows_the_pose(body):
    turn = Rotation.from_rotvec([0.0, 1.2, 0.4]).as_matrix()
    pose = Pose(np.tile(turn, (len(body.bones), 1, 1)), np.zeros(3))
    rest = body.skin(body.rest_pose(), breath=(0.01, 0.005)) - body.heads[0]
    np.testing.assert_allclose(body.skin(pose, breath=(0.01, 0.005)), rest @ turn.T, atol=1e-12)


def test_clothes_leave_bones_and_landmarks_alone(body):
    dressed = replace(body, vertices=body.vertices + 0.01 * body.normals)
    pose = bent(body)
    np.testing.assert_array_equal(dressed.keypoints(pose), body.keypoints(pose))
    np.testing.assert_array_equal(dressed.landmarks(pose), body.landmarks(pose))


def test_the_same_phenotype_gives_the_same_bytes(synthetic_extra):
    first, second = load(SHAPES[4]), load(SHAPES[4])
    pose = bent(first)
    assert first.skin(pose).tobytes() == second.skin(pose).tobytes()
