import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.pose.keypoint_maps import load_map
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.skeletons.axes import UPS, optical_axes
from lbp_rehab.skeletons.layouts import LAYOUTS, Scale, find_layout
from lbp_rehab.skeletons.recording import rate_state
from lbp_rehab.skeletons.units import TRUNK

COUNTS = {"kinect25": 25, "coco17": 17, "blazepose33": 33, "halpe26": 26, "azure32": 32}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_a_layout_has_its_joints_each_once_and_maps_to_points_that_exist(name, count):
    layout = find_layout(name)
    assert len(layout.joints) == count == len(set(layout.joints))
    assert set(layout.points) <= set(NAMES)
    assert set(layout.points.values()) <= set(layout.joints)
    assert len(set(layout.points.values())) == len(layout.points)
    assert set(TRUNK) <= set(layout.points)
    assert layout.sigma_m > 0


@pytest.mark.parametrize("name", ["coco17", "halpe26"])
def test_the_order_is_that_of_the_keypoint_maps(name):
    source = load_map(name).source
    layout = LAYOUTS[name]
    ours = {n: layout.joints.index(j) for n, j in layout.points.items()}
    assert ours == {n: int(i) for n, i in zip(NAMES, source, strict=True) if i >= 0}


def test_blazepose_needs_no_permutation():
    layout = LAYOUTS["blazepose33"]
    assert [layout.points[name] for name in NAMES] == list(layout.joints)


@pytest.mark.parametrize("name", LAYOUTS)
def test_left_is_left(name):
    for ours, theirs in LAYOUTS[name].points.items():
        if ours[1] == "_":
            assert {"l": "left", "r": "right"}[ours[0]] in theirs.lower()


def test_an_unknown_layout_is_refused_with_those_that_are_known():
    with pytest.raises(InputError, match=r"no skeleton layout 'kinect'; known are kinect25, coco"):
        find_layout("kinect")


@pytest.mark.parametrize("column", ["ShoulderLeft", "shoulder_left", "SHOULDER LEFT", "l_shoulder"])
def test_a_joint_is_known_by_several_spellings(column):
    layout = LAYOUTS["kinect25"]
    assert layout.joints[layout.index(column)] == "ShoulderLeft"


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("left_handed", [False, True])
def test_up_becomes_up_and_handedness_is_put_right(up, left_handed):
    axes = optical_axes(up, left_handed)
    theirs = np.zeros(3)
    theirs["xyz".index(up[-1])] = -1.0 if up.startswith("-") else 1.0
    np.testing.assert_allclose(axes @ theirs, [0, -1, 0])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(-1.0 if left_handed else 1.0)


def test_kinects_axes_turn_half_round_and_optical_ones_stay():
    np.testing.assert_array_equal(optical_axes("y"), np.diag([-1.0, -1.0, 1.0]))
    np.testing.assert_array_equal(optical_axes("-y"), np.eye(3))


def test_a_rep_103_world_looks_along_its_x():
    # x forward, y left, z up.
    np.testing.assert_array_equal(optical_axes("z"), [[0, -1, 0], [0, 0, -1], [1, 0, 0]])


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(InputError, match="up is 'w'; choose one of x, -x, y"):
        optical_axes("w")


@pytest.mark.parametrize(
    ("scale", "values", "expected"),
    [
        (Scale.KINECT, [0, 1, 2, 7, np.nan], "UIMUU"),
        (Scale.AZURE, [0, 1, 2, 3, -1], "UIMMU"),
        (Scale.FRACTION, [0.0, 0.29, 0.3, 0.5, 1.2], "UUIMU"),
    ],
)
def test_states_mean_what_the_tracker_says(scale, values, expected):
    status, visibility = rate_state(scale, np.array(values))
    assert [Status(s).name[0] for s in status] == list(expected)
    assert (visibility >= 0).all()
    assert (visibility <= 1).all()
