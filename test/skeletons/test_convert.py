import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import Mode, Posture
from lbp_rehab.quality import measures
from lbp_rehab.skeletons.axes import UPS
from lbp_rehab.skeletons.bones import BoneSpread
from lbp_rehab.skeletons.convert import Converter, ConverterSettings
from lbp_rehab.skeletons.layouts import LAYOUTS

KINECT = LAYOUTS["kinect25"]
MEASURED, INFERRED, UNKNOWN = int(Status.MEASURED), int(Status.INFERRED), int(Status.UNKNOWN)


@pytest.fixture
def frame(bends, joints_of):
    """Position, status and visibility of the first, upright frame for Kinect."""
    position = joints_of(bends[:1], KINECT)[0]
    known = np.isfinite(position).all(axis=1)
    return np.nan_to_num(position), np.where(known, MEASURED, UNKNOWN), known.astype(float)


def test_points_that_the_layout_lacks_are_unknown_with_the_reason(frame):
    pose = Converter(KINECT).pose(7, *frame)
    assert pose.names == NAMES
    assert pose.stamp_ns == 7
    for name in NAMES:
        known = pose.known(name)
        assert known == (name in KINECT.points)
        reason = Reason.NONE if known else Reason.MISSING_INPUT
        assert pose.reason[INDEX[name]] == reason
        assert (pose.sigma_m()[INDEX[name]] > 0) == known
    assert pose.mode == Mode.DEPTH_ONLY
    assert pose.posture == Posture.STANDING


def test_a_joint_that_is_not_tracked_is_unknown_and_an_inferred_one_less_certain(frame):
    position, status, visibility = frame
    status = status.copy()
    knees = [KINECT.joints.index(f"Knee{side}") for side in ("Left", "Right")]
    status[knees] = UNKNOWN, INFERRED
    pose = Converter(KINECT).pose(0, position, status, visibility)
    assert pose.reason[INDEX["l_knee"]] == Reason.OCCLUDED
    assert pose.status[INDEX["r_knee"]] == Status.INFERRED
    sigma = pose.sigma_m()
    assert sigma[INDEX["r_knee"]] == pytest.approx(2 * sigma[INDEX["r_hip"]])
    assert measures.from_pose("knee_flexion_r", pose).status == Status.INFERRED


def test_a_frame_without_joints_is_nobody(frame):
    position, status, visibility = frame
    pose = Converter(KINECT).pose(0, position, np.zeros_like(status), visibility)
    assert pose.reason_unknown == Reason.NO_PERSON
    assert not pose.known("l_hip")


def test_the_sigma_is_the_layouts_unless_told(frame):
    hip = INDEX["l_hip"]
    assert Converter(KINECT).pose(0, *frame).sigma_m()[hip] == pytest.approx(KINECT.sigma_m)
    told = ConverterSettings(sigma_m=0.004)
    assert Converter(KINECT, told).pose(0, *frame).sigma_m()[hip] == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sigma_m": -0.01}, "a sigma of -10 mm must be above 0"),
        ({"sigma_m": 2.0}, "a sigma of 2000 mm"),
        ({"up_sigma_rad": 0.0}, "sigma of up must be above 0"),
    ],
)
def test_impossible_settings_are_refused(settings, says):
    with pytest.raises(InputError, match=says):
        ConverterSettings(**settings)


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("left_handed", [False, True])
def test_angles_do_not_depend_on_the_trackers_axes(bends, joints_of, up, left_handed):
    layout = LAYOUTS["blazepose33"]
    settings = ConverterSettings(up=up, left_handed=left_handed)
    converter = Converter(layout, settings)
    n = len(layout.joints)
    middle = len(bends) // 4
    joints = joints_of(bends[[0, middle]], layout, up, left_handed)
    upright, bent = (
        converter.pose(k, joints[k], np.full(n, MEASURED), np.ones(n)) for k in range(2)
    )
    plain = Converter(layout).pose(
        0, joints_of(bends[[middle]], layout)[0], np.full(n, MEASURED), np.ones(n)
    )
    for name in ("hip_extension", "trunk_inclination", "knee_flexion", "trunk_lean"):
        expected = measures.from_pose(name, plain).value
        assert measures.from_pose(name, bent).value == pytest.approx(expected, abs=1e-6), name
    # The figure's hips are 0.86 m over its heels, which are 3 cm over the floor.
    height = measures.from_pose("pelvis_height", upright)
    assert height.value == pytest.approx(0.89, abs=0.005)


def test_the_height_is_known_although_up_is_not_quite(frame):
    # The lever of an error of up is the distance from the feet, not from the camera.
    pose = Converter(KINECT).pose(0, *frame)
    assert pose.support.sigma_rad == pytest.approx(np.deg2rad(5.0))
    assert measures.from_pose("pelvis_height", pose).sigma < 0.03


def test_a_jump_of_a_single_frame_does_not_move_the_floor(frame):
    position, status, visibility = frame
    converter = Converter(KINECT)
    for k in range(30):
        pose = converter.pose(k, position, status, visibility)
    before = pose.support.height.value
    fallen = position - np.array([0.0, 2.0, 0.0])  # Kinect's y is up
    assert converter.pose(31, fallen, status, visibility).support.height.value == before


def test_bones_that_keep_their_length_blame_nobody():
    spread = BoneSpread()
    points = np.random.default_rng(1).normal(size=(33, 3))
    for _ in range(40):
        floor = spread.update(points, np.ones(33, bool))
    np.testing.assert_allclose(floor, 0.0, atol=1e-12)


def test_the_joint_whose_bones_all_vary_is_blamed(bends):
    spread, rng = BoneSpread(), np.random.default_rng(2)
    for _ in range(200):
        points = bends[0].copy()
        points[INDEX["l_knee"]] += rng.normal(0.0, 0.05, 3)
        floor = spread.update(points, np.ones(33, bool))
    assert floor[INDEX["l_knee"]] == pytest.approx(0.05, rel=0.15)
    for name in ("l_hip", "r_hip", "r_knee", "l_shoulder"):
        assert floor[INDEX[name]] < 1e-9, name


def test_a_tracker_that_does_not_hold_the_body_is_less_certain(bends, joints_of):
    joints = joints_of(bends[:1], KINECT)[0]
    known = np.isfinite(joints).all(axis=1)
    status, seen = np.where(known, MEASURED, UNKNOWN), known.astype(float)
    rng, converter = np.random.default_rng(3), Converter(KINECT)
    for k in range(100):
        shaken = np.nan_to_num(joints)
        shaken[KINECT.joints.index("KneeLeft")] += rng.normal(0.0, 0.08, 3)
        pose = converter.pose(k, shaken, status, seen)
    assert pose.sigma_m()[INDEX["l_knee"]] == pytest.approx(0.08, rel=0.2)
    assert pose.sigma_m()[INDEX["r_knee"]] == pytest.approx(KINECT.sigma_m)
    assert measures.from_pose("knee_flexion_l", pose).reason == Reason.TOO_UNCERTAIN
    assert measures.from_pose("knee_flexion_r", pose).known
