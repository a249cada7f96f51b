import numpy as np
import pytest
from people import CAMERA, skeleton

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.pose.candidate import as_candidate, body_size, trunk_position


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
