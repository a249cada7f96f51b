import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.errors import InputError
from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.rgbd import PRESETS, preset
from lbp_rehab.synthetic.imaging.rooms import sample_room
from lbp_rehab.synthetic.imaging.views import (
    VIEWS,
    Elevation,
    Side,
    View,
    parse_view,
    place,
    sample_view,
    seen_share,
    view_name,
)

RNG = np.random.default_rng(5)
LYING = RNG.uniform([-1.0, -0.35, 0.0], [0.75, 0.35, 0.5], (200, 3))


def pixels(camera, points):
    return camera.project(camera.to_optical(points))


@pytest.mark.parametrize("name", PRESETS)
def test_sampled_views_see_everything_from_a_useful_distance(name):
    kind = preset(name)
    rng = np.random.default_rng(1)
    cropped, elevations, azimuths = 0, [], []
    for _ in range(60):
        camera = sample_view(rng, LYING, kind)
        depth = camera.to_optical(LYING)[:, 2]
        assert np.median(depth) >= 1.5 - 1e-9
        assert np.median(depth) <= 3.5
        assert depth.min() >= 1.0 - 1e-9
        share = seen_share(camera, kind, LYING)
        cropped += share < 1.0
        assert share >= 0.85
        away = -camera.rotation[2]
        elevations.append(np.degrees(np.arcsin(away[2])))
        azimuths.append(np.arctan2(away[1], away[0]))
    assert cropped < 12
    assert min(elevations) < 25
    assert max(elevations) > 80
    assert min(elevations) > 7
    assert np.histogram(azimuths, 4, (-np.pi, np.pi))[0].min() > 3


def test_share_in_view_is_that_of_both_pictures():
    kind = preset("azure_kinect")
    camera = place(View(0.7, 1.9, 2.5), LYING, kind)
    both = np.ones(len(LYING), bool)
    for eye in (camera, kind.depth_camera(camera)):
        pixel = pixels(eye, LYING)
        both &= ((pixel >= 0) & (pixel <= [eye.width - 1, eye.height - 1])).all(axis=1)
    assert seen_share(camera, kind, LYING) == pytest.approx(both.mean())
    assert seen_share(camera, kind, LYING - 10.0 * camera.rotation[2]) == 0.0


@pytest.mark.parametrize("posture", [Posture.SUPINE, Posture.PRONE, Posture.SIDE_LEFT])
def test_low_cameras_look_at_those_who_lie_from_beside(posture):
    rng, low = np.random.default_rng(2), 0
    for _ in range(60):
        away = -sample_view(rng, LYING, preset("d435"), posture=posture).rotation[2]
        if np.degrees(np.arcsin(away[2])) < 25.0:
            low += 1
            assert abs(np.degrees(np.arctan2(away[0], abs(away[1])))) < 60.0 + 1e-6
    assert low > 5


def test_nobody_watches_a_standing_patient_from_above():
    standing = RNG.uniform([-0.3, -0.3, 0.0], [0.3, 0.3, 1.8], (200, 3))
    rng = np.random.default_rng(3)
    for _ in range(40):
        camera = sample_view(rng, standing, preset("d435"), posture=Posture.STANDING)
        assert 7.9 < np.degrees(np.arcsin(-camera.rotation[2, 2])) < 40.1


def test_low_near_views_settle_in_the_middle_of_the_picture():
    kind = preset("d435")
    half = np.array(kind.seen_tan) * kind.focal_px
    for elevation, azimuth in ((8.0, 180.0), (10.0, 160.0), (0.0, 0.0), (12.0, 90.0)):
        view = View(np.radians(elevation), np.radians(azimuth))
        pixel = pixels(place(view, LYING, kind), LYING) - place(view, LYING, kind).principal_px
        np.testing.assert_allclose(pixel.min(axis=0) + pixel.max(axis=0), 0.0, atol=1e-6)
        assert (np.abs(pixel) / half).max() == pytest.approx(1.0 / 1.1, abs=1e-6)


def test_sampled_cameras_stand_inside_the_room():
    kind = preset("d435")
    for seed in range(12):
        draws = Draws(seed)
        room = sample_room(draws, "bed")
        camera = sample_view(draws.rng, LYING, kind, room)
        x0, x1, y0, y1 = room.walls_m
        x, y, z = camera.centre_m
        assert x0 < x < x1
        assert y0 < y < y1
        assert z > -room.height_m
        for mesh in room.furniture:
            low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
            assert ((camera.centre_m < low - 0.09) | (camera.centre_m > high + 0.09)).any()


def test_what_cannot_be_seen_is_an_input_error():
    with pytest.raises(InputError, match="no view"):
        sample_view(np.random.default_rng(0), 6.0 * LYING, preset("d435"))


@pytest.mark.parametrize("margin", [1.0, 1.3])
def test_points_fill_the_picture_by_the_margin(margin):
    kind = preset("ideal")
    camera = place(View(0.7, 1.9), LYING, kind, margin)
    pixel = pixels(camera, LYING) - camera.principal_px
    filled = np.abs(pixel).max(axis=0) / [320.0, 240.0]
    assert filled.max() == pytest.approx(1.0 / margin, rel=0.03)


def test_a_given_distance_is_kept():
    camera = place(View(0.7, 1.9, 2.4), LYING, preset("d435"))
    middle = (LYING.min(axis=0) + LYING.max(axis=0)) / 2
    assert np.linalg.norm(camera.centre_m - middle) == pytest.approx(2.4, abs=0.35)


@pytest.mark.parametrize(
    ("view", "elevation", "side"),
    [
        ("side", Elevation.LOW, Side.RIGHT),
        ("oblique", Elevation.OBLIQUE, Side.RIGHT),
        ("overhead", Elevation.OVERHEAD, Side.RIGHT),
        ("foot", Elevation.OBLIQUE, Side.FEET),
        ("head", Elevation.OBLIQUE, Side.HEAD),
        ("60,-90", Elevation.HIGH, Side.LEFT),
        ("90,180,2", Elevation.OVERHEAD, Side.FEET),
    ],
)
def test_views_have_names(view, elevation, side):
    name = view_name(place(parse_view(view), LYING, preset("d435")))
    assert (name.elevation, name.side) == (elevation, side)
    assert str(name) == f"{elevation.value} {side.value}"


@pytest.mark.parametrize(
    ("posture", "azimuth", "side"),
    [
        # Head towards x: the left hand is y when the chest is down, -y when it is up.
        (Posture.SUPINE, 90, Side.RIGHT),
        (Posture.PRONE, 90, Side.LEFT),
        (Posture.PRONE, -90, Side.RIGHT),
        (Posture.QUADRUPED, 90, Side.LEFT),
        (Posture.QUADRUPED, 0, Side.HEAD),
        (Posture.SIDE_RIGHT, 90, Side.FRONT),
        (Posture.SIDE_LEFT, 90, Side.BEHIND),
        (Posture.SIDE_LEFT, 180, Side.FEET),
        (Posture.STANDING, 0, Side.FRONT),
        (Posture.STANDING, 180, Side.BEHIND),
        (Posture.STANDING, 90, Side.LEFT),
    ],
)
def test_names_of_views_are_those_of_the_patients_own_sides(posture, azimuth, side):
    camera = place(View(0.6, np.radians(azimuth)), LYING, preset("d435"))
    assert view_name(camera, posture).side == side


def test_every_named_view_can_be_parsed():
    assert {"side", "overhead", "oblique", "foot", "head"} <= set(VIEWS)
    for name in VIEWS:
        assert parse_view(name).distance_m is None
    view = parse_view("40,105,2.2")
    assert (view.elevation_rad, view.distance_m) == (pytest.approx(np.radians(40)), 2.2)


@pytest.mark.parametrize("text", ["above", "1", "40,x", "120,0", "40,0,55", "nan,0", ""])
def test_bad_views_are_input_errors(text):
    with pytest.raises(InputError):
        parse_view(text)


def test_level_cameras_have_a_level_horizon():
    camera = Camera.looking_at(
        np.zeros(3), distance_m=2.0, elevation_rad=0.4, azimuth_rad=1.0, size=(64, 48), focal_px=60
    )
    assert camera.rotation[0, 2] == pytest.approx(0.0, abs=1e-12)
    assert camera.rotation[1, 2] < 0  # rows go down
