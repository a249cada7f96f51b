import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.pose.calibrated import parse_support


def test_nothing_written_is_no_plane():
    assert parse_support("") is None
    assert parse_support("  ") is None


def test_a_direction_of_any_length_and_a_height_in_metres():
    support = parse_support("0, -1.6, -1.2, 1.35")
    np.testing.assert_allclose(support.up, [0.0, -0.8, -0.6])
    assert support.height.value == 1.35
    assert support.height.status == Status.MEASURED
    assert 0.0 < support.sigma_rad < np.deg2rad(1.0)
    assert 0.0 < support.height.sigma < 0.05


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("auto", "is not 'x,y,z,height'"),
        ("0,-1,0", "is not 'x,y,z,height'"),
        ("0,-1,0,1.2,3", "is not 'x,y,z,height'"),
        ("0,-1,0,tall", "is not 'x,y,z,height'"),
        ("0,0,0,1.2", "is not 'x,y,z,height'"),
        ("0,nan,0,1.2", "is not 'x,y,z,height'"),
        ("0,-1,0,inf", "is not 'x,y,z,height'"),
        ("0,-1,0,-1.2", "is -1.2 m; it must lie between 0 and 10 m"),
        ("0,-1,0,1200", "is 1200 m; it must lie between 0 and 10 m"),
    ],
)
def test_what_is_no_plane_is_refused_in_one_sentence(text, says):
    with pytest.raises(InputError, match=says):
        parse_support(text)
