import numpy as np
import pytest

from lbp_rehab.camera.bag import BagSource
from lbp_rehab.camera.sources import SourceSettings, open_source
from lbp_rehab.errors import InputError
from lbp_rehab.paths import resource_dir

SAMPLE = resource_dir() / "sample" / "glute_bridge"


def test_a_recorded_camera_gives_colour_depth_and_the_recorded_times():
    shots = BagSource(SAMPLE, SourceSettings()).shots()
    found = [next(shots) for _ in range(20)]
    assert not any(s.bad for s in found)
    assert found[0].offset_ns == 0
    steps = np.diff([s.offset_ns for s in found])
    np.testing.assert_allclose(steps, 1e9 / 12, rtol=1e-3)
    for shot in found:
        assert shot.color.shape == (288, 512, 3)
        assert shot.depth.shape == (288, 512)
        assert 500 < np.median(shot.depth[shot.depth > 0]) < 3000
    assert found[0].intrinsics.width == 512
    assert found[0].intrinsics.fx == pytest.approx(0.72 * 512, abs=1)


def test_a_loop_goes_on_in_time_without_a_gap():
    shots = BagSource(SAMPLE, SourceSettings(loop=True)).shots()
    offsets = [next(shots).offset_ns for _ in range(300)]
    steps = np.diff(offsets)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps, 1e9 / 12, rtol=1e-3)


def test_a_bag_without_a_camera_is_refused(tmp_path):
    from lbp_rehab.bags import BagWriter

    BagWriter(tmp_path / "empty").close()
    with pytest.raises(InputError, match="no camera"):
        open_source(f"bag:{tmp_path / 'empty'}", SourceSettings())
