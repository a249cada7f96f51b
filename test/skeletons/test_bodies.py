import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.skeletons.bodies import Body, BodyChooser, bodies_of_markers
from lbp_rehab.skeletons.layouts import LAYOUTS

AZURE = LAYOUTS["azure32"]


def body_at(z):
    return Body.of_points(np.tile([0.1, 0.2, z], (32, 1)), AZURE)


def test_markers_are_sorted_into_bodies_and_joints():
    ids = [105, 100, 218]
    found = bodies_of_markers(ids, np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.0]]), AZURE)
    assert set(found) == {1, 2}
    assert found[1].position[5].tolist() == [1, 2, 3]
    assert found[1].position[0].tolist() == [4, 5, 6]
    assert found[2].position[18].tolist() == [7, 8, 9]
    assert found[1].status.tolist().count(Status.MEASURED) == 2


def test_a_marker_of_no_joint_is_refused():
    with pytest.raises(InputError, match="joint 40, but azure32 has 32"):
        bodies_of_markers([140], np.ones((1, 3)), AZURE)


def test_points_of_another_number_are_refused():
    with pytest.raises(InputError, match="25 points are not the 32 joints of azure32"):
        Body.of_points(np.ones((25, 3)), AZURE)


def test_points_without_numbers_or_at_the_origin_are_not_seen():
    points = np.ones((32, 3))
    points[3], points[4] = np.nan, 0.0
    body = Body.of_points(points, AZURE)
    assert np.flatnonzero(body.status == Status.UNKNOWN).tolist() == [3, 4]
    assert np.isfinite(body.position).all()


def test_the_nearest_is_followed_until_gone():
    chooser = BodyChooser()
    assert chooser.choose({}) is None
    assert chooser.choose({7: body_at(3.0), 4: body_at(2.0)}).position[0, 2] == 2.0
    assert chooser.track_id == 1
    # Another one steps nearer.
    assert chooser.choose({7: body_at(1.0), 4: body_at(2.1)}).position[0, 2] == 2.1
    assert chooser.track_id == 1
    assert chooser.choose({7: body_at(1.0)}).position[0, 2] == 1.0
    assert chooser.track_id == 2
