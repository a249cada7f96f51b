import numpy as np
import pytest
from visualization_msgs.msg import Marker

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes.markers import ARROW_M, HALF_CLEAR_M, LEFT, RIGHT, to_pelvis_markers
from lbp_rehab.pelvis.landmarks import PelvisLandmarks
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.lift import LANDMARKS

UNKNOWN = Estimate.unknown(Reason.NO_GRAVITY)
ORIGIN = np.array([0.1, 0.2, 2.0])
AXES = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
PLACES = np.arange(12.0).reshape(4, 3) / 10.0
SIGMA = np.array([0.0, HALF_CLEAR_M, 3 * HALF_CLEAR_M, 0.0])


@pytest.fixture
def markers():
    """All markers of a pelvis whose last landmark is unknown."""
    angles = PelvisAngles(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    state = PelvisState(
        1_500_000_000, "camera", "p7", Method.SURFACE, angles, angles, ORIGIN, AXES, np.eye(6)
    )
    status = np.array([Status.MEASURED, Status.MEASURED, Status.INFERRED, Status.UNKNOWN], np.int64)
    found = PelvisLandmarks(
        LANDMARKS, PLACES, SIGMA, status, np.zeros(4, np.int64), np.ones(4), np.zeros((4, 2))
    )
    return to_pelvis_markers(state, found).markers


def test_all_markers_are_of_the_instant_and_frame_of_the_pelvis(markers):
    for marker in markers:
        assert marker.header.frame_id == "camera"
        assert (marker.header.stamp.sec, marker.header.stamp.nanosec) == (1, 500_000_000)
    assert len({(m.ns, m.id) for m in markers}) == len(markers) == 7


def test_a_landmark_is_the_clearer_the_less_certain_it_is(markers):
    spots = [m for m in markers if m.ns == "pelvis_landmarks"]
    assert [m.color.a for m in spots[:3]] == pytest.approx([1.0, 0.5, 0.25])
    assert [m.type for m in spots[:3]] == [Marker.SPHERE] * 3
    for marker, place in zip(spots[:3], PLACES, strict=False):
        at = marker.pose.position
        np.testing.assert_allclose([at.x, at.y, at.z], place)
    assert [(m.color.r, m.color.b) for m in spots[:2]] == [(LEFT.r, LEFT.b), (RIGHT.r, RIGHT.b)]
    assert spots[3].action == Marker.DELETE


def test_the_arrows_are_the_axes_of_the_pelvis(markers):
    arrows = [m for m in markers if m.ns == "pelvis_axes"]
    assert [m.type for m in arrows] == [Marker.ARROW] * 3
    for i, arrow in enumerate(arrows):
        start, end = (np.array([p.x, p.y, p.z]) for p in arrow.points)
        np.testing.assert_allclose(start, ORIGIN)
        np.testing.assert_allclose(end - start, ARROW_M * AXES[:, i], atol=1e-12)
        assert np.argmax([arrow.color.r, arrow.color.g, arrow.color.b]) == i
