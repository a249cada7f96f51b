import numpy as np
import pytest

from lbp_rehab.synthetic.sensor import ColourSensor, DepthCamera, StereoSensor

SHAPE, FOCAL_PX = (120, 160), 212.0
SENSOR = StereoSensor(focal_px=FOCAL_PX)


def plane(depth_m):
    return np.full(SHAPE, depth_m)


@pytest.mark.parametrize("depth_m", [1.0, 2.0])
def test_error_grows_with_the_square_of_depth(depth_m):
    measured = DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=1).measure(plane(depth_m)) / 1000.0
    assert (measured > 0).mean() > 0.99
    # dz = z^2 / (f B) dd, with the error of rounding to steps of the disparity added.
    disparity_px = np.hypot(SENSOR.noise_px, SENSOR.step_px / np.sqrt(12.0))
    expected_m = depth_m**2 / (SENSOR.focal_px * SENSOR.baseline_m) * disparity_px
    assert measured[measured > 0].std() == pytest.approx(expected_m, rel=0.15)
    assert measured[measured > 0].mean() == pytest.approx(depth_m, abs=0.3 * expected_m)


def test_depth_comes_in_steps_of_the_disparity():
    measured = DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=2).measure(plane(2.0))
    levels = np.unique(measured[measured > 0]) / 1000.0
    steps = SENSOR.focal_px * SENSOR.baseline_m / levels / SENSOR.step_px
    np.testing.assert_allclose(steps, np.round(steps), atol=0.1)
    assert len(levels) < 30


def test_holes_lie_where_only_one_imager_sees():
    scene = plane(3.0)
    scene[30:90, 60:110] = 1.0
    camera = DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=3)
    lost = np.mean([camera.measure(scene) == 0 for _ in range(20)], axis=0)
    shadow_px = SENSOR.focal_px * SENSOR.baseline_m * (1.0 - 1.0 / 3.0)
    shadow = lost[35:85, 60 - int(shadow_px) + 2 : 58]
    assert shadow.mean() > 0.95
    assert lost[35:85, 116:].mean() < 0.01  # nothing is hidden beyond the other edge
    assert lost[40:80, 70:100].mean() < 0.01


def test_edges_flicker():
    scene = plane(2.0)
    scene[:60] = 1.6
    camera = DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=4)
    lost = np.mean([camera.measure(scene)[58:62] == 0 for _ in range(30)], axis=0)
    assert 0.1 < lost.mean() < 0.9


def test_what_is_too_far_has_no_depth():
    near = StereoSensor(focal_px=FOCAL_PX, range_m=(0.2, 2.5))
    camera = DepthCamera(near, SHAPE, FOCAL_PX, seed=5)
    assert not camera.measure(plane(2.9)).any()
    assert not camera.measure(plane(np.inf)).any()
    assert camera.measure(plane(2.0)).any()


def test_part_of_the_error_stays_in_place():
    camera = DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=6)
    first, second = (camera.measure(plane(2.0)).astype(float).ravel() for _ in range(2))
    both = (first > 0) & (second > 0)
    share = np.corrcoef(first[both], second[both])[0, 1]
    assert share == pytest.approx(SENSOR.fixed_share, abs=0.12)


def test_aligned_image_has_the_colour_cameras_size():
    camera = DepthCamera(SENSOR, (90, 200), 2.0 * FOCAL_PX, seed=7)
    measured = camera.measure(np.full((90, 200), 1.5))
    assert measured.shape == (90, 200)
    assert measured.dtype == np.uint16


def test_same_seed_same_depth_and_colour():
    scene = plane(1.5)
    scene[:, 80:] = 2.5
    first, second = (DepthCamera(SENSOR, SHAPE, FOCAL_PX, seed=8).measure(scene) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    grey = np.full((40, 40, 3), 0.5)
    images = [ColourSensor().measure(grey, np.random.default_rng(1)) for _ in range(2)]
    np.testing.assert_array_equal(images[0], images[1])


def test_colour_noise_has_the_stated_size():
    sensor = ColourSensor(read=2.0, photon=3.0)
    image = sensor.measure(np.full((200, 200, 3), 0.25), np.random.default_rng(2)).astype(float)
    assert image.mean() == pytest.approx(255 * 0.25, abs=0.1)
    assert image.std() == pytest.approx(2.0 + 3.0 * 0.5, rel=0.06)
