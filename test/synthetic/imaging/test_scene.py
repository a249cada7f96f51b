import cv2
import numpy as np
import pytest

pytest.importorskip("numba")

from dataclasses import replace

from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.imaging import props
from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera
from lbp_rehab.synthetic.imaging.clothes import FEET, HAIR, SHIRT, SKIN, TROUSERS, dress
from lbp_rehab.synthetic.imaging.lamps import Light
from lbp_rehab.synthetic.imaging.props import Blanket
from lbp_rehab.synthetic.imaging.render import view_mesh
from lbp_rehab.synthetic.imaging.rooms import Room, sample_room
from lbp_rehab.synthetic.imaging.scene import Scene
from lbp_rehab.synthetic.person.people import Footwear, HairStyle, Outfit, Sleeve, TrouserLength

# Anny's rest frame (left, back, up) in the support frame of somebody lying on the back.
LYING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def lying(dressed):
    vertices = dressed.body.vertices @ LYING.T
    return vertices - [0.0, 0.0, vertices[:, 2].min() + 0.005]


@pytest.fixture(scope="module")
def dressed(body):
    return dress(body, Outfit())


def camera_at(elevation=1.0, azimuth=1.7, size=(320, 240), distance=2.6):
    return Camera.looking_at(
        np.array([0.0, 0.0, 0.1]),
        distance_m=distance,
        elevation_rad=elevation,
        azimuth_rad=azimuth,
        size=size,
        focal_px=0.96 * size[0],
    )


@pytest.fixture(scope="module")
def scene(dressed):
    return Scene(Room(), [dressed], camera_at())


@pytest.fixture(scope="module")
def frame(scene, dressed):
    return scene.view([lying(dressed)])


def test_depth_is_that_of_the_nearer_of_person_and_room(scene, dressed, frame):
    alone = view_mesh(lying(dressed), dressed.body.faces, scene.camera)
    rays = scene.camera.rays()
    with np.errstate(divide="ignore"):
        support = np.where(rays[..., 2] < 0, -scene.camera.centre_m[2] / rays[..., 2], np.inf)
    points = scene.camera.centre_m + rays * support[..., None]
    room = scene.room
    on_mat = (np.abs(points[..., :2] - room.centre_m) < np.array(room.half_m) - 0.02).all(axis=2)
    expected = np.minimum(alone.depth_m, support)
    np.testing.assert_allclose(frame.depth_m[on_mat], expected[on_mat], rtol=1e-5)


def test_weights_give_the_place_of_every_pixel_of_the_patient(scene, dressed, frame):
    seen = frame.person.face != NOTHING
    assert seen.mean() > 0.04
    corners = lying(dressed)[dressed.body.faces[frame.person.face[seen]]]
    points = (corners * frame.person.weights[seen][:, :, None]).sum(axis=1)
    depth = frame.person.depth_m[seen]
    expected = scene.camera.centre_m + scene.camera.rays()[seen] * depth[:, None]
    np.testing.assert_allclose(points, expected, atol=2e-5)
    np.testing.assert_array_equal(frame.owner[seen], 0)
    assert np.isinf(frame.person.depth_m[~seen]).all()


def test_what_stands_before_the_patient_hides_it(dressed, scene, frame):
    camera = scene.camera
    towards = camera.centre_m / np.linalg.norm(camera.centre_m)
    middle = 1.2 * towards
    box = props.box(middle - 0.15, middle + 0.15, (0.5, 0.3, 0.2))
    hidden = Scene(Room(), [dressed], camera, props=[box]).view([lying(dressed)])
    covered = view_mesh(box.vertices_m, box.faces, camera).face != NOTHING
    assert (frame.person.face[covered] != NOTHING).sum() > 200
    assert (hidden.person.face[covered] == NOTHING).all()
    assert (hidden.depth_m[covered] < 2.0).all()
    np.testing.assert_array_equal(hidden.person.face[~covered], frame.person.face[~covered])


def test_a_second_person_is_told_from_the_patient(dressed):
    therapist = dress(dressed.body, Outfit(shirt=(0.9, 0.9, 0.95)))
    standing = therapist.body.vertices - [0.0, 0.9, therapist.body.vertices[:, 2].min()]
    scene = Scene(Room(), [dressed, therapist], camera_at(0.6, 1.6, distance=3.5))
    seen = scene.view([lying(dressed), standing])
    assert {0, 1} <= set(np.unique(seen.owner))
    patient = seen.owner == 0
    np.testing.assert_array_equal(seen.person.face != NOTHING, patient)
    with pytest.raises(ValueError, match="2 people"):
        scene.view([lying(dressed)])


def test_shadows_lie_on_the_side_away_from_the_light(dressed):
    brightness = {}
    for side in (1.0, -1.0):
        light = Light(towards=(0.0, side, 0.8), sun=0.7, fill=0.0, ambient=0.3, softness_m=0.03)
        room = Room(half_m=(1.2, 0.9), support_material=Room().wall_material, light=light)
        overhead = camera_at(np.pi / 2 - 1e-3, -np.pi / 2, distance=3.2)
        scene = Scene(room, [dressed], overhead)
        frame = scene.view([lying(dressed)])
        empty = scene.view([lying(dressed) + np.array([50.0, 0.0, 0.0])])
        kept = (frame.colour / empty.colour).mean(axis=2)
        kept[frame.owner != NOTHING] = np.nan
        points = scene.camera.centre_m + scene.camera.rays() * frame.depth_m[..., None]
        beside = np.abs(points[..., 0]) < 0.3
        for where in (1.0, -1.0):
            band = beside & (np.abs(where * points[..., 1] - 0.24) < 0.05)
            brightness[side, where] = np.nanmean(kept[band])
    for side in (1.0, -1.0):
        assert brightness[side, -side] < brightness[side, side] - 0.08


def test_support_is_darker_where_the_body_touches_it(dressed):
    light = Light(sun=0.0, fill=0.0, ambient=0.9)
    room = Room(half_m=(1.2, 0.9), support_material=Room().wall_material, light=light)
    scene = Scene(room, [dressed], camera_at(np.pi / 2, -np.pi / 2, distance=3.2))
    empty = scene.view([lying(dressed) + np.array([50.0, 0.0, 0.0])])
    frame = scene.view([lying(dressed)])
    kept = frame.colour / empty.colour
    points = scene.camera.centre_m + scene.camera.rays() * empty.depth_m[..., None]
    on_mat = np.abs(points[..., :2] - room.centre_m).max(axis=2) < 0.85
    far = on_mat & (np.abs(points[..., 1]) > 0.8)
    assert far.sum() > 500
    assert kept[far].mean() > 0.97
    # Pixels of the mat that touch the picture of the trunk.
    beside = cv2.dilate((frame.owner == 0).astype(np.uint8), np.ones((5, 5))) > 0
    near = beside & (frame.owner == NOTHING) & on_mat & (np.abs(points[..., 0]) < 0.3)
    assert near.sum() > 50
    assert kept[near].mean() < 0.9


def test_a_moved_light_or_body_leaves_the_still_image_alone(scene, dressed, frame):
    again = scene.view([lying(dressed)])
    np.testing.assert_array_equal(again.colour, frame.colour)
    scene.view([lying(dressed) + np.array([0.2, 0.1, 0.3])])
    np.testing.assert_array_equal(scene.view([lying(dressed)]).colour, frame.colour)


def test_colours_are_finite_and_the_person_is_neither_black_nor_burnt(frame):
    assert np.isfinite(frame.colour).all()
    person = frame.colour[frame.owner == 0]
    assert 0.1 < person.mean() < 0.9
    assert (person.max(axis=1) < 0.05).mean() < 0.02


def test_depth_camera_sees_from_its_own_place(dressed):
    camera = camera_at()
    beside = camera.shifted((0.05, 0.0, 0.0), (200, 150), 190.0)
    scene = Scene(Room(), [dressed], camera, depth_camera=beside)
    image = scene.depth([lying(dressed)])
    alone = view_mesh(lying(dressed), dressed.body.faces, beside)
    seen = np.isfinite(alone.depth_m) & (alone.depth_m <= image.depth_m + 1e-6)
    assert seen.sum() > 500
    np.testing.assert_allclose(image.depth_m[seen], alone.depth_m[seen], rtol=1e-6)
    assert image.reflectance.shape == (150, 200)
    assert (image.reflectance >= 0).all()
    assert (image.reflectance <= 1).all()
    assert image.reflectance[seen].std() > 0.01


def test_blanket_never_lies_below_the_body(dressed):
    blanket = Blanket(x_m=(-1.0, 0.2))
    vertices = lying(dressed)
    cloth = blanket.drape(vertices).reshape(*blanket.shape, 3)
    rows, columns = blanket.shape
    i = (vertices[:, 0] - blanket.x_m[0]) / blanket.cell_m
    j = (vertices[:, 1] + blanket.half_width_m) / blanket.cell_m
    inside = (i >= 0) & (i < rows - 1) & (j >= 0) & (j < columns - 1)
    i, j, z = i[inside], j[inside], vertices[inside, 2]
    a, b = i.astype(int), j.astype(int)
    around = np.stack([cloth[a + di, b + dj, 2] for di in (0, 1) for dj in (0, 1)])
    assert inside.sum() > 1000
    assert (around.min(axis=0) >= z + 0.9 * blanket.thickness_m).all()


def test_blanket_spans_the_gap_between_the_legs_and_hangs_over_the_edge(dressed):
    blanket = Blanket(x_m=(-1.0, 0.2), edge_y_m=0.40, wrinkle_m=0.0)
    vertices = lying(dressed)
    cloth = blanket.drape(vertices).reshape(*blanket.shape, 3)
    shin = np.abs(cloth[:, 0, 0] + 0.45).argmin()
    between = cloth[shin, blanket.shape[1] // 2, 2]
    ends = np.abs(vertices[:, 0] + 0.45) < 0.03
    assert between > 0.5 * vertices[ends, 2].max()
    assert cloth[shin, 0, 2] < -0.1
    flat = Blanket(x_m=(2.0, 2.5)).drape(vertices)
    inner = np.abs(flat[:, 1]) < 0.44
    assert np.abs(flat[inner, 2]).max() < 0.05


def test_a_blanket_is_seen_instead_of_the_legs(dressed):
    covered = Scene(Room(), [dressed], camera_at(), blankets=[Blanket(x_m=(-1.1, 0.0))])
    frame = covered.view([lying(dressed)])
    assert (frame.owner == 1).sum() > 500
    faces = frame.person.face[frame.person.face != NOTHING]
    hidden = lying(dressed)[dressed.body.faces[faces], 0].mean(axis=1)
    assert (hidden < -0.1).mean() < 0.02


def test_cloth_stands_off_the_skin_and_ends_where_the_outfit_says(body):
    for sleeve, covered in ((Sleeve.NONE, 0.0), (Sleeve.SHORT, 0.5), (Sleeve.LONG, 1.0)):
        person = dress(body, Outfit(sleeve=sleeve))
        share = (person.material[body.dominant("upperarm01", "upperarm02")] == SHIRT).mean()
        assert share == pytest.approx(covered, abs=0.25)
        fore = (person.material[body.dominant("lowerarm")] == SHIRT).mean()
        assert (fore > 0.7) == (sleeve is Sleeve.LONG)
    for length, shank in ((TrouserLength.SHORTS, 0.0), (TrouserLength.LONG, 0.9)):
        person = dress(body, Outfit(trouser_length=length, footwear=Footwear.BARE))
        cloth = (person.material[body.dominant("lowerleg")] == TROUSERS).mean()
        assert cloth == pytest.approx(shank, abs=0.15)
    person = dress(body, Outfit(cloth_m=0.01))
    off = ((person.body.vertices - body.vertices) * body.normals).sum(axis=1)
    assert 0.007 < off[person.material == SHIRT].mean() < 0.013
    assert off[person.material == SHIRT].min() > 0.0
    np.testing.assert_allclose(off[person.material == SKIN], 0.0, atol=1e-12)


def test_hair_and_feet_follow_the_outfit(body):
    short = dress(body, Outfit(hair_style=HairStyle.SHORT, footwear=Footwear.SHOES))
    assert 150 < (short.material == HAIR).sum() < 1500
    assert (short.material[body.dominant("foot")] == FEET).mean() > 0.7
    bald = dress(body, Outfit(hair_style=HairStyle.BALD, footwear=Footwear.BARE))
    assert not (bald.material == HAIR).any()
    assert not (bald.material == FEET).any()


@pytest.mark.parametrize("support", ["mat", "bed", "floor"])
def test_rooms_are_as_their_support_asks(support):
    for seed in range(20):
        room = sample_room(Draws(seed), support)
        low, high = {"mat": (0.01, 0.03), "bed": (0.45, 0.7), "floor": (0.0, 0.0)}[support]
        assert low <= room.height_m <= high
        x0, x1, y0, y1 = room.walls_m
        assert x0 < room.centre_m[0] - room.half_m[0]
        assert room.centre_m[0] + room.half_m[0] < x1
        assert y0 < room.centre_m[1] - room.half_m[1]
        assert room.centre_m[1] + room.half_m[1] < y1
        for mesh in room.furniture:
            over = np.abs(mesh.vertices_m[:, :2] - room.centre_m) < np.array(room.half_m) - 0.02
            assert not over.all(axis=1).any()


def test_a_room_makes_way_for_its_camera_and_what_it_must_see():
    points = np.random.default_rng(0).uniform([-1.0, -0.3, 0.0], [0.8, 0.3, 0.5], (100, 3))
    colour = (0.5, 0.5, 0.5)
    between = props.box((-0.3, 0.9, -0.5), (0.3, 1.1, 1.2), colour)
    aside = props.box((1.5, 1.5, -0.5), (2.0, 2.0, 0.5), colour)
    picture = props.box((-0.2, 2.97, 1.0), (0.2, 3.0, 1.5), colour)  # hangs on the moved wall
    room = Room(walls_m=(-3.0, 3.0, -3.0, 3.0), furniture=(between, aside, picture))
    eye = np.array([0.0, 3.2, 2.9])
    made = room.seen_from(eye, points)
    assert made.holds(eye)
    assert made.floor_z_m + made.ceiling_m >= eye[2] + 0.25 - 1e-9
    assert made.furniture == (aside,)
    low = np.array([0.0, 2.5, 0.4])
    kept = room.seen_from(low, points)
    assert kept.walls_m == room.walls_m
    assert kept.ceiling_m == room.ceiling_m
    assert kept.furniture == (aside, picture)
    assert not room.is_free(np.array([0.0, 1.15, 0.0]))
    assert room.is_free(np.array([0.0, 1.25, 0.0]))


def test_lines_are_blocked_by_what_they_go_through():
    eye, points = np.zeros(3), np.array([[4.0, 0.0, 0.0], [4.0, 2.0, 0.0], [1.0, 0.0, 0.0]])
    mesh = props.box((2.0, -0.3, -0.3), (3.0, 0.3, 0.3), (0.5, 0.5, 0.5))
    for test in (props.blocks, props.box_blocks):
        np.testing.assert_array_equal(test(mesh, eye, points), [True, False, False])
    ball = props.ellipsoid((2.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    corner = np.array([[4.0, 0.8, 0.8]])  # through the box round the ball, past the ball
    assert props.box_blocks(ball, eye, corner).all()
    assert not props.blocks(ball, eye, corner).any()


def test_same_seed_same_room_and_picture_other_seed_another(dressed):
    def picture(seed):
        room = sample_room(Draws(seed), "bed")
        return Scene(room, [dressed], camera_at(size=(160, 120))).view([lying(dressed)]).colour

    np.testing.assert_array_equal(picture(3), picture(3))
    assert np.abs(picture(3) - picture(4)).mean() > 0.02


def test_rooms_of_training_and_testing_share_no_range():
    def heights(split):
        return {
            int((sample_room(Draws(s, split), "bed").height_m - 0.45) / 0.025) for s in range(80)
        }

    assert not heights(Split.TRAIN) & heights(Split.TEST)


def test_boxes_are_closed_and_face_outwards():
    mesh = props.box((-1.0, -2.0, -3.0), (1.0, 2.0, 3.0), (0.5, 0.5, 0.5))
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]].astype(float) for k in range(3))
    volume = (a * np.cross(b, c)).sum() / 6.0
    assert volume == pytest.approx(48.0)
    room = props.box((-1, -2, -3), (1, 2, 3), (0.5, 0.5, 0.5), inside_out=True)
    a, b, c = (room.vertices_m[room.faces[:, k]].astype(float) for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6.0 == pytest.approx(-48.0)


def test_a_person_out_of_view_leaves_the_empty_room(scene, dressed):
    far = scene.view([lying(dressed) + np.array([0.0, 0.0, 60.0])])
    assert (far.owner == NOTHING).all()
    assert np.isfinite(far.depth_m).mean() > 0.99


def test_frames_stay_right_with_a_part_of_the_body_behind_the_camera(dressed):
    camera = replace(camera_at(), centre_m=np.array([0.0, 0.0, 0.5]))
    frame = Scene(Room(), [dressed], camera).view([lying(dressed) + np.array([0.0, 0.0, 0.3])])
    assert np.isfinite(frame.colour).all()
    alone = view_mesh(lying(dressed) + np.array([0.0, 0.0, 0.3]), dressed.body.faces, camera)
    seen = frame.owner == 0
    np.testing.assert_allclose(frame.depth_m[seen], alone.depth_m[seen], rtol=1e-5)
