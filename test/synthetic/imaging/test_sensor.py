import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.noise import NoiseTile, gaussian_tile
from lbp_rehab.synthetic.imaging.registration import Registration
from lbp_rehab.synthetic.imaging.rgbd import PRESETS, RgbdCamera, misregistered, preset
from lbp_rehab.synthetic.imaging.sensor import ColourSensor, DepthCamera, StereoSensor
from lbp_rehab.synthetic.imaging.tof import TimeOfFlightSensor

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


def test_noise_of_two_frames_is_independent():
    sensor = StereoSensor(focal_px=FOCAL_PX, fixed_share=0.0, step_px=1e-4)
    camera = DepthCamera(sensor, SHAPE, FOCAL_PX, seed=9)
    frames = np.stack([camera.measure(plane(2.0)).astype(float).ravel() for _ in range(12)])
    correlation = np.corrcoef(frames)[np.triu_indices(12, 1)]
    # Windows of 2.5 pixels leave about 19200 / (4 pi 2.5^2) independent places: sigma 0.064.
    assert np.abs(correlation).max() < 0.25
    assert abs(correlation.mean()) < 0.03


def test_noise_tiles_are_gaussian_and_seamless():
    tile = gaussian_tile(2.5)
    assert tile.mean() == pytest.approx(0.0, abs=1e-6)
    assert tile.std() == pytest.approx(1.0, abs=1e-6)
    assert (np.abs(tile) < 1.0).mean() == pytest.approx(0.6827, abs=0.01)
    # Neighbours correlate by exp(-d^2 / (4 sigma^2)), also across the seam.
    inner = np.corrcoef(tile[:, 400], tile[:, 402])[0, 1]
    seam = np.corrcoef(tile[:, -1], tile[:, 1])[0, 1]
    assert inner == pytest.approx(np.exp(-4 / 25), abs=0.05)
    assert seam == pytest.approx(inner, abs=0.05)
    window = NoiseTile(0.0, (100, 3000)).window(np.random.default_rng(1))
    assert window.shape == (100, 3000)


def test_exposure_and_white_balance_scale_linear_light():
    image = np.full((30, 30, 3), 0.5)
    sensor = ColourSensor(read=0.0, photon=0.0, exposure=1.2, white_balance=(1.1, 1.0, 0.8))
    seen = sensor.measure(image, np.random.default_rng(0))[0, 0] / 255.0
    np.testing.assert_allclose(seen**2, 0.25 * 1.2 * np.array([1.1, 1.0, 0.8]), rtol=0.01)


def test_vignetting_darkens_the_corners_alone():
    sensor = ColourSensor(read=0.0, photon=0.0, vignetting=0.36)
    seen = sensor.measure(np.full((61, 81, 3), 0.5), np.random.default_rng(0)) / 255.0
    assert seen[30, 40, 0] == pytest.approx(0.5, abs=0.003)
    assert (seen[0, 0, 0] / seen[30, 40, 0]) ** 2 == pytest.approx(0.64, abs=0.02)


def test_sampled_colour_sensors_of_the_splits_share_no_exposure():
    from lbp_rehab.synthetic.draws import Split

    def exposures(split):
        return {round(ColourSensor.sample(Draws(s, split)).exposure, 6) for s in range(200)}

    bands = [
        {int(np.clip((e - 0.72) / 0.058, 0, 9)) for e in exposures(split)}
        for split in (Split.TRAIN, Split.TEST)
    ]
    assert not bands[0] & bands[1]


TOF = TimeOfFlightSensor(systematic_m=0.0, systematic_share=0.0)
TOF_SHAPE = (288, 320)


def tof(depth, sensor=TOF, reflectance=None, seed=1, frames=1):
    camera = DepthCamera(sensor, TOF_SHAPE, sensor.focal_px, seed)
    images = [camera.measure(depth, reflectance) / 1000.0 for _ in range(frames)]
    return images[0] if frames == 1 else np.stack(images)


@pytest.mark.parametrize(("depth_m", "reflectance"), [(1.0, 0.5), (3.0, 0.5), (2.0, 0.05)])
def test_time_of_flight_noise_goes_with_the_inverse_of_the_amplitude(depth_m, reflectance):
    true = np.full(TOF_SHAPE, depth_m)
    seen = tof(true, reflectance=np.full(TOF_SHAPE, reflectance, np.float32))[140:150, 150:170]
    camera_frames = tof(true, reflectance=np.full(TOF_SHAPE, reflectance, np.float32), frames=20)
    sigma = camera_frames[:, 140:150, 150:170].std()
    amplitude = (0.12 + 0.88 * reflectance) / depth_m**2
    expected = np.hypot(np.hypot(TOF.floor_m, 0.5 * TOF.noise_m / amplitude), 1e-3 / np.sqrt(12))
    assert sigma == pytest.approx(expected, rel=0.12)
    assert sigma < 0.017  # the data sheet's random error
    assert seen.mean() == pytest.approx(depth_m, abs=0.002)


def test_time_of_flight_systematic_error_keeps_within_the_data_sheet():
    for seed in range(8):
        sensor = TimeOfFlightSensor(noise_m=0.0, floor_m=0.0)
        for depth_m in (0.8, 1.7, 2.9, 3.6):
            seen = tof(np.full(TOF_SHAPE, depth_m), sensor, seed=seed)
            error = np.abs(seen[seen > 0] - depth_m).max()
            assert error < 0.011 + 0.001 * depth_m


def test_time_of_flight_gives_nothing_beyond_its_range_or_from_weak_light():
    assert not tof(np.full(TOF_SHAPE, 4.2)).any()
    assert not tof(np.full(TOF_SHAPE, 0.4)).any()
    assert not tof(np.full(TOF_SHAPE, np.inf)).any()
    strict = TimeOfFlightSensor(weakest=0.05)
    dark = np.full(TOF_SHAPE, 0.02, np.float32)
    assert not tof(np.full(TOF_SHAPE, 3.0), strict, dark).any()
    assert tof(np.full(TOF_SHAPE, 3.0), strict, np.ones(TOF_SHAPE, np.float32)).any()


def test_time_of_flight_pixels_fly_between_both_sides_of_an_edge():
    true = np.full(TOF_SHAPE, 2.5)
    true[:, :160] = 1.5
    seen = tof(true, frames=10)
    between = (seen > 1.6) & (seen < 2.4)
    assert set(np.flatnonzero(between.any(axis=(0, 1)))) == {159, 160}
    assert 0.15 < between[:, :, 159:161].mean() < 0.5
    assert (seen[:, :, 159:161] == 0).mean() > 0.2


def test_time_of_flight_rounds_a_concave_corner_and_leaves_a_flat_wall():
    x = (np.arange(320) - 159.5) / TOF.focal_px
    corner = np.tile(2.0 / (1.0 + np.abs(x)), (288, 1))  # two walls that meet at the middle
    quiet = TimeOfFlightSensor(systematic_m=0.0, systematic_share=0.0, noise_m=0.0, floor_m=0.0)
    error = tof(corner, quiet) - corner
    assert error[100:180, 155:165].mean() > 0.002
    assert abs(error[100:180, 60:100].mean()) < 0.001
    edge = np.tile(2.0 * (1.0 + np.abs(x)), (288, 1))  # the same corner from outside
    assert abs((tof(edge, quiet) - edge)[100:180, 156:164].mean()) < 0.001


def test_light_leaves_the_corners_of_the_narrow_field_dark():
    lit = TimeOfFlightSensor().lit((576, 640))
    assert lit[288, 320]
    assert not lit[0, 0]
    assert lit[4:-4, 320].all()
    assert 0.85 < lit.mean() < 0.97
    wide = TimeOfFlightSensor(focal_px=252.0, field_rad=(1.587, 1.587), wide=True).lit((512, 512))
    assert wide.mean() == pytest.approx(np.pi / 4, abs=0.12)


def pair(offset_m=(0.05, 0.0, 0.0), error=(0.0, 0.0, 0.0)):
    colour = Camera(160, 120, 150.0, np.eye(3), np.zeros(3))
    depth = colour.shifted(offset_m, (200, 150), 150.0)
    return depth, colour, Registration(depth, colour, error)


def test_a_registered_plane_keeps_its_depth_without_holes():
    _, _, registration = pair()
    aligned = registration.align(np.full((150, 200), 2000, np.uint16))
    assert aligned.shape == (120, 160)
    assert (aligned[5:-5, 10:-10] == 2000).all()


def test_holes_of_registration_lie_on_the_side_away_from_the_depth_camera():
    depth, _, registration = pair()
    # A board at 1 m before a wall at 3 m, as the depth camera 5 cm to the right sees it.
    rays = (np.arange(200) - depth.principal_px[0]) / 150.0
    board = np.abs(rays * 1.0 + 0.05) < 0.2  # |x| < 0.2 m in the colour camera's frame
    image = np.where(np.tile(board, (150, 1)), 1000, 3000).astype(np.uint16)
    aligned = registration.align(image)[60]
    hole = np.flatnonzero(aligned == 0)
    left, right = 79.5 - 0.2 * 150, 79.5 + 0.2 * 150  # edges of the board in the colour image
    assert len(hole) > 3
    # Parallax of the wall against the board: f b (1 / 1 m - 1 / 3 m) = 5 pixels, left of it.
    assert len(hole) == pytest.approx(150 * 0.05 * (1 - 1 / 3), abs=1.6)
    assert (hole < left + 1).all()
    assert (hole > left - 8).all()
    assert aligned[int(right) + 2] == 3000


def test_misregistration_shifts_the_image_by_the_wrong_angle():
    _, _, right = pair((0.0, 0.0, 0.0))
    _, _, wrong = pair((0.0, 0.0, 0.0), (0.0, 0.02, 0.0))
    image = np.full((150, 200), 3000, np.uint16)
    image[:, 90:110] = 1500
    shift = [
        np.flatnonzero(np.abs(r.align(image)[60].astype(int) - 1500) < 50).mean()
        for r in (right, wrong)
    ]
    assert shift[1] - shift[0] == pytest.approx(150 * 0.02, abs=0.6)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [(640, 480), (640, 360), (848, 480), (1280, 720)])
def test_cameras_give_aligned_images_of_the_wanted_size(name, size):
    kind = preset(name, size)
    colour = Camera(*size, kind.focal_px, np.eye(3), np.zeros(3))
    camera = RgbdCamera(kind, colour, seed=3)
    shape = (camera.depth_camera.height, camera.depth_camera.width)
    aligned = camera.measure_depth(np.full(shape, 2.0, np.float32))
    assert aligned.shape == (size[1], size[0])
    middle = aligned[size[1] // 2 - 10 : size[1] // 2 + 10, size[0] // 2 - 10 : size[0] // 2 + 10]
    assert (middle > 0).mean() > 0.95
    # The tilted depth camera sees a plane across its own axis.
    tilt = kind.depth_tilt_rad
    assert np.median(middle[middle > 0]) == pytest.approx(2000 / np.cos(tilt), abs=20)
    image = camera.measure_colour(np.full((size[1], size[0], 3), 0.5, np.float32))
    assert image.dtype == np.uint8


def test_an_unknown_camera_is_an_input_error():
    with pytest.raises(InputError, match="choose one of"):
        preset("webcam")
    wrong = misregistered(preset("d435"), np.random.default_rng(1))
    assert 0.0 < np.linalg.norm(wrong.error_rad) < 0.03
