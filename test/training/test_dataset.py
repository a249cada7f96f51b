import numpy as np
import pytest

from lbp_rehab.pelvis import head
from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.lift import SIDE
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.training import dataset
from lbp_rehab.training.scenes import BURST_FRAMES, moments


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
        assert abs(size / row["camera"][0] * hips[2] / head.SPAN_M - 1.0) < 0.06
        assert turn == row["region"][3]
        wanted = cut(frame.shown.frame.depth, Region((x, y), size, turn), head.SIDE)
        assert (row["pelvic_depth"] == wanted).mean() > 0.98  # the region in single precision


def test_the_region_follows_the_person_through_a_burst(drawn):
    for before, after in zip(drawn.found, drawn.regions[1:], strict=False):
        assert after in (before.next_region, dataset.region_round(before.pixel))


# Surfaces alone


@pytest.fixture(scope="module")
def alone(rendering, tmp_path_factory):
    """A shard of one scene in depth alone, and its arrays."""
    path = tmp_path_factory.mktemp("surfaces") / "train_700004.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "POSES", 4)
        patch.setattr(dataset, "LandmarkModel", None)  # is not asked
        assert dataset.make(dataset.Shard(700_004, 1, path, Split.TRAIN), surfaces_only=True) == 4
    with np.load(path) as shard:
        return dict(shard)


def test_surfaces_hold_what_an_example_says_of_the_pelvis(alone, drawn):
    example = drawn.examples[0]
    assert {"pelvic_depth", "pelvic_region", "truth", "axes", "lumbar", "up", "seed"} <= set(alone)
    assert set(alone) < set(example)
    assert not {"depth", "pixel", "heat", "world"} & set(alone)
    for name, value in alone.items():
        assert value.dtype == example[name].dtype, name
        assert value.shape == (4, *np.shape(example[name])), name
        assert np.isfinite(value.astype(float)).all()


def test_surfaces_are_glimpses_of_the_scenes_moments(alone):
    for k, at in enumerate(moments(700_004, bursts=4, steps=1)):
        seen = at.studio.glimpse(at.t_s)
        np.testing.assert_allclose(alone["truth"][k], seen.pose.position, rtol=1e-6)
        np.testing.assert_allclose(alone["axes"][k], seen.pelvis.axes, atol=1e-6)
        lumbar = seen.pelvis.absolute.lumbar_flexion.value
        np.testing.assert_allclose(alone["lumbar"][k], lumbar, rtol=1e-6)
        np.testing.assert_allclose(alone["up"][k], seen.pose.support.up, atol=1e-6)
        x, y, size, turn = (float(v) for v in alone["pelvic_region"][k])
        wanted = cut(seen.depth, Region((x, y), size, turn), head.SIDE)
        assert (alone["pelvic_depth"][k] == wanted).mean() > 0.98
        # Round the hips, and about as the person lies in the image.
        hips = seen.pose.position[[23, 24]].mean(axis=0)
        spot = at.studio.intrinsics.project(hips[None])[0]
        assert np.hypot(*(spot - [x, y])) / at.studio.intrinsics.fx * hips[2] < 0.1
        off = turn - dataset.region_round(seen.pose.pixel[:33]).rotation
        assert abs(np.mod(off + np.pi, 2 * np.pi) - np.pi) < 0.5
    assert (alone["seed"] == alone["seed"][0]).all()
    assert len(np.unique(alone["axes"], axis=0)) == 4


def test_surfaces_are_drawn_where_the_command_says_so(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(dataset, "make", lambda _, **options: asked.append(options) or 0)
    monkeypatch.setattr(dataset, "work_off", lambda draw, shards, _: [draw(s) for s in shards])
    for words in ([], ["--surfaces"]):
        monkeypatch.setattr("sys.argv", ["dataset", str(tmp_path), "--scenes", "60", *words])
        dataset.main()
    assert asked == [{"surfaces_only": False}] * 2 + [{"surfaces_only": True}] * 2
