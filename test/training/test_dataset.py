import numpy as np

from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.lift import SIDE
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.training import dataset
from lbp_rehab.training.dataset import PELVIS_M, PELVIS_SIDE
from lbp_rehab.training.scenes import BURST_FRAMES


def test_a_shard_holds_every_frame_of_its_scenes(drawn):
    assert drawn.rows == BURST_FRAMES
    with np.load(drawn.path) as shard:
        assert set(shard.files) == set(drawn.examples[0])
        for name in shard.files:
            wanted = np.stack([row[name] for row in drawn.examples])
            assert shard[name].dtype == wanted.dtype
            np.testing.assert_array_equal(shard[name], wanted)
            assert np.isfinite(shard[name].astype(float)).all(), name


def test_a_shard_that_is_there_is_not_drawn_again(drawn, monkeypatch):
    monkeypatch.setattr(dataset, "LandmarkModel", None)
    before = drawn.path.stat().st_mtime_ns
    assert dataset.make(dataset.Shard(700_002, 1, drawn.path, Split.TRAIN)) == 0
    assert drawn.path.stat().st_mtime_ns == before


def test_no_half_written_shard_is_left(drawn):
    assert [path.name for path in drawn.path.parent.iterdir()] == [drawn.path.name]


def test_an_example_is_what_the_frame_shows(drawn):
    for frame, region, found, row in zip(
        drawn.frames, drawn.regions, drawn.found, drawn.examples, strict=True
    ):
        shown = frame.shown
        camera, support = shown.frame.intrinsics, shown.pose.support
        np.testing.assert_array_equal(row["depth"], cut(shown.frame.depth, region, SIDE))
        np.testing.assert_allclose(row["pixel"], found.pixel, rtol=1e-6)
        np.testing.assert_allclose(row["truth"], shown.pose.position, rtol=1e-6)
        np.testing.assert_allclose(row["axes"], shown.pelvis.axes, atol=1e-6)
        assert row["truth"].shape == (37, 3)
        # The true points project to the true pixels by the camera that is kept.
        fx, fy, cx, cy = row["camera"]
        slope = row["truth"][:, :2] / row["truth"][:, 2:]
        np.testing.assert_allclose(slope * [fx, fy] + [cx, cy], shown.pose.pixel, atol=1e-2)
        np.testing.assert_allclose([camera.fx, camera.cx], [fx, cx], rtol=1e-6)
        # Height and up are those of the plane: nothing of the body is far below it.
        heights = row["truth"] @ row["up"] + row["height"]
        assert heights.min() > -0.1
        np.testing.assert_allclose(row["height"], support.height.value, rtol=1e-6)


def test_the_pelvic_crop_lies_round_the_hips(drawn):
    for row, frame in zip(drawn.examples, drawn.frames, strict=True):
        x, y, size, turn = (float(v) for v in row["pelvic_region"])
        hips = frame.shown.pose.position[[23, 24]].mean(axis=0)
        off_m = np.hypot(*((x, y) - frame.shown.frame.intrinsics.project(hips[None])[0]))
        assert off_m / row["camera"][0] * hips[2] < 0.1
        assert abs(size / row["camera"][0] * hips[2] / PELVIS_M - 1.0) < 0.06
        assert turn == row["region"][3]
        wanted = cut(frame.shown.frame.depth, Region((x, y), size, turn), PELVIS_SIDE)
        assert (row["pelvic_depth"] == wanted).mean() > 0.98  # the region in single precision


def test_the_region_follows_the_person_through_a_burst(drawn):
    for before, after in zip(drawn.found, drawn.regions[1:], strict=False):
        assert after in (before.next_region, dataset.region_round(before.pixel))
