"""A synthetic bag whose sEMG is stamped late by a known time."""

import importlib.util
import json
import shutil

import cv2
import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("anny", "numba")):
    pytest.skip("needs the extra synthetic", allow_module_level=True)

from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from lbp_rehab.cli import main
from lbp_rehab.errors import InputError
from lbp_rehab.paths import resource_dir
from lbp_rehab.sync.bag import measure
from lbp_rehab.sync.light import Region
from lbp_rehab.synthetic.messages import typestore

COLOUR, EMG = "/camera/color/image_raw/compressed", "/emg/raw"
OFFSET_MS = 23.4
SMALL = ["--exercise", "glute_bridge", "--repetitions", "1", "--size", "128x96", "--rate", "15"]


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """Twelve flashes; the sEMG is stamped 23.4 ms late."""
    folder = tmp_path_factory.mktemp("sync") / "bag"
    flashes = ["--sync-flashes", "12", "--emg-offset", str(OFFSET_MS), "--seed", "3"]
    assert main(["synth", "--out", str(folder), *SMALL, *flashes]) == 0
    return folder


def copied(bag, folder, change, kinds=None):
    """Copy a bag; change(topic, message) returns the (topic, message) to write, or None."""
    store, kinds = typestore(), kinds or {}
    with Reader(bag) as reader, Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as out:
        made = {}
        for connection, log_ns, data in reader.messages():
            message = store.deserialize_cdr(data, connection.msgtype)
            if (new := change(connection.topic, message)) is None:
                continue
            topic, message = new
            if topic not in made:
                kind = kinds.get(topic, connection.msgtype)
                made[topic] = out.add_connection(topic, kind, typestore=store)
            cdr = store.serialize_cdr(message, made[topic].msgtype)
            out.write(made[topic], log_ns, cdr)
    return folder


def check(offset):
    assert offset.low_s <= OFFSET_MS / 1e3 <= offset.high_s
    assert offset.high_s - offset.low_s < 1 / 15
    assert offset.events == 12
    assert not offset.rivals_s


def test_the_bounds_hold_the_true_offset(bag):
    found = measure(bag)
    check(found.offset)
    assert (found.colour_topic, found.emg_topic, found.channels) == (COLOUR, EMG, 12)


def test_region_and_channel_can_be_given(bag):
    region = measure(bag).region
    wider = Region(region.x0 - 2, region.y0 - 2, region.x1 + 2, region.y1 + 2)
    found = measure(bag, wider, "rectus_abdominis_r")
    check(found.offset)
    assert (found.region, found.channels) == (wider, 1)
    with pytest.raises(InputError, match="no channel 'belly'; it has multifidus_l"):
        measure(bag, wider, "belly")
    with pytest.raises(InputError, match="no flash in the images"):
        measure(bag, Region(0, 0, 4, 4))


@pytest.mark.parametrize("encoding", ["bgr8", "rgb8", "mono8"])
def test_raw_images_of_another_camera_name_do_as_well(bag, tmp_path, encoding):
    image_type = typestore().types["sensor_msgs/msg/Image"]

    def raw(topic, message):
        if topic == EMG:
            return topic, message
        if topic != COLOUR:
            return None
        pixels = cv2.imdecode(message.data, cv2.IMREAD_COLOR)
        if encoding == "mono8":
            pixels = pixels.mean(axis=2).astype(np.uint8)[:, :, None]
        height, width, channels = pixels.shape
        padded = np.zeros((height, width * channels + 5), np.uint8)
        padded[:, : width * channels] = pixels.reshape(height, -1)
        return "/room/cam1/color/image_raw", image_type(
            header=message.header, height=height, width=width, encoding=encoding, is_bigendian=0,
            step=padded.shape[1], data=padded.ravel(),
        )  # fmt: skip

    kinds = {"/room/cam1/color/image_raw": "sensor_msgs/msg/Image"}
    found = measure(copied(bag, tmp_path / "raw", raw, kinds))
    check(found.offset)
    assert found.colour_topic == "/room/cam1/color/image_raw"


def test_damaged_images_count_as_lost(bag, tmp_path):
    count = iter(range(10_000))

    def harmed(topic, message):
        if topic == COLOUR and next(count) % 17 == 5:
            message.data = message.data[:9]
        return (topic, message) if topic in (COLOUR, EMG) else None

    offset = measure(copied(bag, tmp_path / "harmed", harmed)).offset
    assert offset.low_s <= OFFSET_MS / 1e3 <= offset.high_s


@pytest.mark.parametrize(
    ("left", "said"),
    [(EMG, "holds no colour images"), (COLOUR, "holds no sEMG")],
)
def test_a_bag_that_lacks_a_sensor_is_one_sentence(bag, tmp_path, left, said):
    part = copied(bag, tmp_path / "part", lambda t, m: (t, m) if t == left else None)
    with pytest.raises(InputError, match=said):
        measure(part)


def test_units_of_channels_count(bag, tmp_path):
    def without_pulses(topic, message):
        if topic == EMG:
            for row in message.channels:
                row.unit = "uV"  # of a recording in volts: a millionth of what it was
        return (topic, message) if topic in (COLOUR, EMG) else None

    with pytest.raises(InputError, match="no pulse in the sEMG"):
        measure(copied(bag, tmp_path / "small", without_pulses))


def test_clocks_that_are_hours_apart_are_one_sentence(bag, tmp_path):
    def later(topic, message):
        if topic == EMG:
            message.header.stamp.sec += 7200
        return (topic, message) if topic in (COLOUR, EMG) else None

    with pytest.raises(InputError, match=r"are 71\d\d s and more apart"):
        measure(copied(bag, tmp_path / "later", later))


def test_a_bag_from_before_channels_had_units_is_read():
    with pytest.raises(InputError, match="no pulse in the sEMG"):
        measure(resource_dir() / "sample" / "glute_bridge")


def test_the_command_tells_and_writes_figures(bag, tmp_path, capsys):
    assert main(["doctor", "--sync", str(bag)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("EMG is stamped 2")
    assert "ms later than the camera (between" in text
    assert "middle of the exposure" in text
    assert main(["doctor", "--sync", str(bag), "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["low_ms"] <= OFFSET_MS <= figures["high_ms"]
    assert figures["events"] == 12
    assert figures["drift_ppm"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--region", "1,2,3"], "x0,y0,x1,y1"),
        (["--region", "1,2,3,x"], "x0,y0,x1,y1"),
        (["--region", "0,0,500,4"], "does not lie in images of 128x96"),
    ],
)
def test_an_unreadable_region_is_one_sentence(bag, capsys, options, said):
    assert main(["doctor", "--sync", str(bag), *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_options_without_a_bag_and_bags_that_are_none_are_refused(tmp_path, capsys):
    assert main(["doctor", "--region", "1,2,3,4"]) == 2
    assert "need --sync" in capsys.readouterr().err
    assert main(["doctor", "--sync", str(tmp_path / "none")]) == 2
    assert "there is no bag" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["doctor", "--sync", str(tmp_path / "empty")]) == 2
    assert "is no bag" in capsys.readouterr().err


def test_a_torn_bag_is_read_as_far_as_it_goes(bag, tmp_path):
    torn = tmp_path / "torn"
    shutil.copytree(bag, torn)
    (torn / "metadata.yaml").unlink()
    (file,) = torn.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: int(0.95 * file.stat().st_size)])
    offset = measure(torn).offset
    assert offset.low_s <= OFFSET_MS / 1e3 <= offset.high_s
