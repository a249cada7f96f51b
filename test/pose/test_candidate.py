import cv2
import numpy as np
import pytest
from people import CAMERA, skeleton
from rooms import BED, FLOOR, View
from rooms import CAMERA as ROOM_CAMERA

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.estimate import Estimate
from lbp_rehab.pose.candidate import as_candidate, body_size, trunk_position
from lbp_rehab.pose.landmarks import Landmarks, region_round
from lbp_rehab.pose.types import Support


def test_the_trunk_is_behind_its_surface_and_the_size_follows_the_distance():
    person = skeleton((159.5, 119.5))
    frame = RgbdFrame(
        1, "camera", np.zeros((240, 320, 3), np.uint8), np.full((240, 320), 2000, np.uint16), CAMERA
    )
    position = trunk_position(person, frame)
    assert np.linalg.norm(position) == pytest.approx(2.1, rel=0.01)
    # 60 pixels a metre of the shape: at 110 / 60 m with that focal length it is its very size.
    assert body_size(person, 110.0 / 60.0, CAMERA) == pytest.approx(1.0)
    assert body_size(person, 220.0 / 60.0, CAMERA) == pytest.approx(2.0)
    blind = RgbdFrame(1, "camera", frame.color, None, CAMERA)
    assert trunk_position(person, blind) is None


def test_without_depth_or_plane_nobody_can_tell_who_is_on_it():
    person = skeleton((159.5, 119.5))
    blind = RgbdFrame(1, "camera", np.zeros((240, 320, 3), np.uint8), None, CAMERA)
    found = as_candidate(blind, None, person, person.next_region, score=0.7)
    assert (found.position, found.on_support, found.height_m, found.size) == (None,) * 4
    assert found.score == 0.7
    np.testing.assert_allclose(found.person.hip, person.pixel[[23, 24]].mean(axis=0))
    np.testing.assert_allclose(found.person.shoulder, person.pixel[[11, 12]].mean(axis=0))


def standing_at(spot_m, view, hidden_feet):
    """Return the depth of a room with a bed and somebody upright, and their landmarks."""
    room = view.points([FLOOR, BED], noise=0.0)
    pixel = np.floor(ROOM_CAMERA.project(room)).astype(int)
    depth = np.zeros((480, 640), np.uint16)
    for (u, v), z in zip(pixel, room[:, 2], strict=True):
        depth[v - 4 : v + 5, u - 4 : u + 5] = round(1000 * z)
    x, y, z = spot_m
    trunk = {11: (x + 0.18, 0.5), 12: (x - 0.18, 0.5), 23: (x + 0.1, 0.0), 24: (x - 0.1, 0.0)}
    body = view.optical([(x, y, z + 0.9)] * 33)
    for k, (across, above) in trunk.items():
        body[k] = view.optical([(across, y, z + 0.9 + above)])[0]
    body[27:] = view.optical([(x, y, z)] * 6)
    pixel = ROOM_CAMERA.project(body)
    hull = cv2.convexHull(np.round(pixel[[11, 12, 23, 24]]).astype(np.int32))
    mask = np.zeros(depth.shape, np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    depth[mask > 0] = round(1000 * float(body[[11, 12, 23, 24], 2].mean()))
    visibility = np.ones(33)
    visibility[27:] = 0.0 if hidden_feet else 1.0
    found = Landmarks(pixel, visibility, None, 1.0, region_round(pixel))
    frame = RgbdFrame(1, "camera", np.zeros((480, 640, 3), np.uint8), depth, ROOM_CAMERA)
    support = Support(view.up, 0.01, Estimate(view.height(BED), 0.01))
    return as_candidate(frame, support, found, found.next_region)


@pytest.mark.parametrize("hidden_feet", [True, False])
def test_who_stands_behind_a_bed_is_not_on_it_though_their_feet_are_hidden(hidden_feet):
    view = View(25, distance_m=3.2, target=(0.0, 0.0, 0.7))
    behind = standing_at((0.1, -1.0, 0.0), view, hidden_feet)
    assert behind.height_m == pytest.approx(0.6, abs=0.15)
    assert behind.on_support is False
    assert standing_at((0.1, 0.0, BED.z), view, hidden_feet).on_support is True
