import cv2
import numpy as np
import pytest

from lbp_rehab.pose.crop import MEDIAN_PX, cut, to_crop
from lbp_rehab.pose.landmarks import Region

SIDE = 64
# Beyond an edge, beyond two, wholly inside and small, larger than the image.
REGIONS = [
    Region((30.3, 40.7), 110.0, 0.7),
    Region((190.2, 140.1), 83.0, -2.5),
    Region((101.7, 75.2), 41.0, 3.0),
    Region((99.1, 70.4), 402.0, 1.2),
    Region((-20.4, 75.3), 64.0, 0.4),
]


def places(region, side=SIDE):
    """Return the column and row in the image of every reading of a crop, shape (side, side, 2)."""
    rows, columns = np.mgrid[:side, :side]
    to_image = region.to_image(side)
    return np.stack([columns, rows], axis=-1) @ to_image[:, :2].T + to_image[:, 2]


def ramp():
    """Return an image of which every reading tells its place; a median leaves it as it is."""
    rows, columns = np.mgrid[:150, :200]
    return (1 + columns + 200 * rows).astype(np.uint16)


@pytest.mark.parametrize("region", REGIONS)
def test_every_reading_comes_from_its_pixel(region):
    at = places(region)
    nearest = np.round(at).astype(int)
    clear = (np.abs(at - np.floor(at) - 0.5) > 0.02).all(axis=-1)
    column, row = nearest[..., 0], nearest[..., 1]
    inside = (column >= 0) & (row >= 0) & (column < 200) & (row < 150)
    # Where the filter sees its own kind on all sides, the median of a ramp is its middle.
    inner = (column >= 2) & (row >= 2) & (column < 198) & (row < 148)
    depth = cut(ramp(), region, SIDE)
    assert (inner & clear).sum() > 200
    np.testing.assert_array_equal(
        depth[inner & clear], (1 + column + 200 * row)[inner & clear].astype(np.uint16)
    )
    assert not depth[~inside & clear].any()


@pytest.mark.parametrize("side", [32, 160])
def test_a_crop_is_the_warp_of_the_filtered_image(side):
    rng = np.random.default_rng(0)
    depth = rng.integers(400, 6000, (150, 200)).astype(np.uint16)
    depth[rng.uniform(size=depth.shape) < 0.3] = 0
    whole = cv2.medianBlur(depth, MEDIAN_PX)
    for _ in range(40):
        centre = (rng.uniform(-40, 240), rng.uniform(-40, 190))
        region = Region(centre, rng.uniform(15, 500), rng.uniform(-np.pi, np.pi))
        wanted = cv2.warpAffine(
            whole, region.to_image(side), (side, side),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
        at = places(region, side)
        clear = (np.abs(at - np.floor(at) - 0.5) > 2e-3).all(axis=-1)
        np.testing.assert_array_equal(cut(depth, region, side)[clear], wanted[clear])


def test_the_image_is_left_as_it_was():
    depth = ramp()
    cut(depth, REGIONS[0], SIDE)
    np.testing.assert_array_equal(depth, ramp())


def test_single_wrong_readings_are_taken_out():
    depth = np.full((150, 200), 2000, np.uint16)
    depth[::7, ::9] = 600
    depth[3::7, 3::9] = 0
    region = Region((100.0, 75.0), 120.0, 0.3)
    assert (cut(depth, region, SIDE) == 2000).all()


@pytest.mark.parametrize("centre", [(-300.0, 70.0), (100.0, 900.0), (600.0, -600.0)])
def test_a_region_beside_the_image_has_no_readings(centre):
    crop = cut(ramp(), Region(centre, 100.0, 0.5), SIDE)
    assert crop.shape == (SIDE, SIDE)
    assert crop.dtype == np.uint16
    assert not crop.any()


@pytest.mark.parametrize("region", REGIONS)
def test_to_crop_turns_the_regions_map_round(region):
    flat = places(region).reshape(-1, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    wanted = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(to_crop(flat, region, SIDE), wanted, atol=1e-9)


def test_up_in_a_crop_is_where_the_region_is_turned_to():
    # Turned by a quarter, clockwise in the image: the crop's top shows the image's right.
    region = Region((100.0, 75.0), 64.0, np.pi / 2)
    depth = np.full((150, 200), 1000, np.uint16)
    depth[:, 110:] = 3000
    crop = cut(depth, region, SIDE)
    assert (crop[:15] == 3000).all()
    assert (crop[30:] == 1000).all()
