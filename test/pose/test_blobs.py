import numpy as np
import pytest
from people import CAMERA, OVERHEAD, lying_on_the_floor, skeleton

from lbp_rehab.pose.blobs import MAX_BLOBS, STRIDE, blobs


def test_a_blob_lies_where_the_body_is_and_a_wall_is_none():
    body = skeleton((120.0, 120.0), turn=np.pi / 2)
    depth = lying_on_the_floor(body)
    depth[:, 300:] = 40  # up to the camera: higher than any body
    found = blobs(depth, CAMERA, OVERHEAD)
    assert len(found) == 1
    assert 1.7 < found[0].centre[2] < 1.96
    region = found[0].regions[0]
    assert abs(np.sin(2 * region.rotation)) < 0.1  # along the body, one way or the other
    assert abs(np.cos(region.rotation)) < 0.1
    middle = (body.pixel.min(axis=0) + body.pixel.max(axis=0)) / 2
    np.testing.assert_allclose(region.centre, middle, atol=8.0)


@pytest.mark.parametrize("support", [OVERHEAD, None])
def test_a_bare_floor_and_no_readings_give_no_blobs(support):
    assert blobs(np.full((240, 320), 2000, np.uint16), CAMERA, support) == []
    assert blobs(np.zeros((240, 320), np.uint16), CAMERA, support) == []


def test_two_bodies_are_two_blobs_and_each_has_its_readings():
    people = [skeleton((80.0, 120.0)), skeleton((240.0, 120.0), turn=0.4)]
    found = blobs(lying_on_the_floor(*people), CAMERA, OVERHEAD)
    assert len(found) == 2
    left, right = sorted(found, key=lambda b: b.centre[0])
    assert left.pixel[:, 0].max() < 160 < right.pixel[:, 0].min()
    for blob in found:
        np.testing.assert_allclose((blob.pixel - STRIDE // 2) % STRIDE, 0.0)


def test_a_board_is_worth_less_than_a_body_and_only_the_best_are_kept():
    depth = np.full((240, 320), 2000, np.uint16)
    for column in range(20, 300, 50):
        depth[20:60, column : column + 24] = 1800
    body = lying_on_the_floor(skeleton((160.0, 150.0), turn=np.pi / 2))
    found = blobs(np.minimum(depth, body), CAMERA, OVERHEAD)
    assert len(found) == MAX_BLOBS
    assert found[0].centre[1] > 0.2  # the body lies lower in the picture than the boards
    assert found[0].worth > 3.0 * found[1].worth
