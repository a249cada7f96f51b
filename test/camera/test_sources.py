import json

import cv2
import numpy as np
import pytest

from lbp_rehab.camera.sources import SourceSettings, open_source
from lbp_rehab.errors import InputError

CALIBRATION = {"width": 64, "height": 48, "fx": 60.0, "fy": 61.0, "cx": 31.5, "cy": 23.5}


def color_image(k):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :, 0] = 10 * (k + 1)  # red
    return image


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "color").mkdir()
    (tmp_path / "depth").mkdir()
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"color/{k:05}.png"), color_image(k)[:, :, ::-1])
        cv2.imwrite(str(tmp_path / f"depth/{k:05}.png"), np.full((48, 64), 1000 + k, np.uint16))
    (tmp_path / "camera.json").write_text(json.dumps(CALIBRATION | {"nominal_rate_hz": 10}))
    return tmp_path


def shots(spec, **settings):
    return list(open_source(spec, SourceSettings(**settings)).shots())


def test_a_folder_gives_its_images_in_order_at_its_rate(folder):
    found = shots(f"folder:{folder}")
    assert [s.offset_ns for s in found] == [0, 100_000_000, 200_000_000]
    assert [int(s.color[0, 0, 0]) for s in found] == [10, 20, 30]
    assert [int(s.depth[0, 0]) for s in found] == [1000, 1001, 1002]
    assert found[0].intrinsics.fy == 61.0
    assert not any(s.bad for s in found)


def test_the_rate_can_be_set(folder):
    assert shots(f"folder:{folder}", rate_hz=20.0)[1].offset_ns == 50_000_000


def test_a_loop_goes_on_in_time(folder):
    source = open_source(f"folder:{folder}", SourceSettings(loop=True)).shots()
    found = [next(source) for _ in range(7)]
    assert [s.offset_ns for s in found] == [k * 100_000_000 for k in range(7)]
    assert int(found[6].color[0, 0, 0]) == 10


def test_another_depth_unit_is_turned_into_millimetres(folder):
    (folder / "camera.json").write_text(json.dumps(CALIBRATION | {"depth_unit_m": 0.0001}))
    assert int(shots(f"folder:{folder}")[0].depth[0, 0]) == 100


def test_a_damaged_image_later_on_is_said_and_the_rest_goes_on(folder):
    (folder / "color/00001.png").write_bytes(b"torn")
    found = shots(f"folder:{folder}")
    assert "00001.png" in found[1].bad
    assert [bool(s.bad) for s in found] == [False, True, False]


def test_a_folder_without_depth_is_colour_only(folder):
    for path in (folder / "depth").iterdir():
        path.unlink()
    assert shots(f"folder:{folder}")[0].depth is None


def test_a_folder_without_calibration_uses_the_field_of_view(folder):
    (folder / "camera.json").unlink()
    camera = shots(f"folder:{folder}", fov_rad=np.pi / 2)[0].intrinsics
    assert camera.fx == pytest.approx(32.0)


def break_depth_size(folder):
    cv2.imwrite(str(folder / "depth/00000.png"), np.full((24, 32), 1000, np.uint16))


def break_depth_bits(folder):
    cv2.imwrite(str(folder / "depth/00000.png"), np.full((48, 64), 100, np.uint8))


def break_depth_channels(folder):
    cv2.imwrite(str(folder / "depth/00000.png"), np.full((48, 64, 3), 1000, np.uint16))


def break_calibration(folder):
    (folder / "camera.json").write_text('{"width": 64,')


def break_calibration_keys(folder):
    (folder / "camera.json").write_text('{"width": 64, "height": 48}')


def break_calibration_size(folder):
    (folder / "camera.json").write_text(json.dumps(CALIBRATION | {"width": 640}))


def empty_it(folder):
    for path in (folder / "color").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (break_depth_size, "32x24"),
        (break_depth_bits, "16 bits"),
        (break_depth_channels, "one channel"),
        (break_calibration, "camera.json"),
        (break_calibration_keys, "fx"),
        (break_calibration_size, "640x48"),
        (empty_it, "no images"),
    ],
)
def test_a_wrong_folder_is_refused_in_one_sentence(folder, damage, says):
    damage(folder)
    with pytest.raises(InputError, match=says) as caught:
        open_source(f"folder:{folder}", SourceSettings())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("folder:/no/such", "does not exist"),
        ("folder", "lacks the path"),
        ("video:/no/such.mp4", "does not exist"),
        ("bag:/no/such", "no bag"),
        ("webcam:first", "not a number"),
        ("webcam:97", "no camera"),
        ("kinect:0", "unknown"),
        ("none:1", "unknown"),
    ],
)
def test_a_wrong_source_is_refused_in_one_sentence(spec, says):
    with pytest.raises(InputError, match=says):
        open_source(spec, SourceSettings())


def test_none_leaves_the_camera_to_another_driver():
    assert open_source("none", SourceSettings()) is None


def test_a_video_is_read_at_its_own_rate(tmp_path):
    path = tmp_path / "walk.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (64, 48))
    for k in range(5):
        writer.write(color_image(k)[:, :, ::-1].copy())
    writer.release()
    found = shots(f"video:{path}")
    assert [s.offset_ns for s in found] == [k * 40_000_000 for k in range(5)]
    assert abs(int(found[3].color[20, 20, 0]) - 40) < 6
    assert found[0].depth is None


def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / "walk.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(InputError, match="not a video"):
        open_source(f"video:{path}", SourceSettings())
