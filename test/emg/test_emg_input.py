"""The source side of the bridge: names, ignored channels, what is said and when the start ends."""

import numpy as np
import pytest

from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import Channel, EmgChunk, Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import emg_input
from lbp_rehab.nodes.emg_input import EmgInput


class Device(EmgSource):
    """Has one chunk for each call."""

    def __init__(self, labels, known=()):
        self.channels, self.known = tuple(Channel(label) for label in labels), tuple(known)
        self.said, self.closed = ["the clock of the device jumped by +50 ms"] * 2, False

    def open(self, now_ns):
        self.waiting = [self.chunk(now_ns)]

    def chunk(self, now_ns):
        data = np.arange(4.0 * len(self.channels), dtype=np.float32).reshape(4, -1)
        return EmgChunk(now_ns, 1000.0, 0, 0, data, self.channels)

    def read(self, now_ns):
        return self.waiting.pop() if self.waiting else None

    def close(self):
        self.closed = True

    @property
    def status(self):
        return ""

    @property
    def labels(self):
        return self.known

    @property
    def counts(self):
        return {"clock_jumps": 2}

    def reports(self):
        said, self.said = tuple(self.said), []
        return said


@pytest.fixture
def make(tmp_path, monkeypatch):
    def build(device, text="", rows=(), calibrated=()):
        monkeypatch.setattr(emg_input, "open_source", lambda *_: device)
        path = tmp_path / "map.yaml"
        path.write_text(text)
        said = []
        settings = {
            "source": "x",
            "chunk_s": 0.02,
            "channel_map": list(rows),
            "channel_file": str(path) if text else "",
        }
        return EmgInput(settings, calibrated, said.append), said

    return build


TEXT = "channels: {b: multifidus:left, z: multifidus:right}\nignore: [a]\n"


def test_channels_are_named_and_ignored_ones_taken_out_and_each_trouble_is_said_once(make):
    source, said = make(Device(["a", "b", "c"]), TEXT)
    assert source.open(1)
    assert not source.open(2)
    for now_ns in (1, 2):
        source.source.waiting = [source.source.chunk(now_ns)]
        (chunk,) = [source.accept(c) for c in source.chunks(now_ns)]
        assert [(c.label, c.muscle, c.side) for c in chunk.channels] == [
            ("b", Muscle.MULTIFIDUS, Side.LEFT),
            ("c", Muscle.OTHER, Side.NONE),
        ]
        np.testing.assert_array_equal(chunk.data[0], [1, 2])
    assert sorted(said) == [
        "channels that the channel file neither maps nor ignores go by their label: c",
        "map.yaml, line 1: the stream has no channel 'z'; it has a, b, c",
        "the clock of the device jumped by +50 ms",
    ]
    assert source.values() == {"clock_jumps": "2"}
    assert len(source.missing) == 1
    source.close()
    assert source.source.closed


def test_a_channel_that_a_known_source_lacks_ends_the_start(make):
    source, _ = make(Device(["a", "b"], ["a", "b"]), TEXT)
    with pytest.raises(InputError, match="line 1: the stream has no channel 'z'"):
        source.open(1)
    source, _ = make(Device(["a"], ["a"]), calibrated=["LES"])
    with pytest.raises(InputError, match="mvc_file names 'LES'"):
        source.open(1)


def test_rows_alone_say_nothing_of_other_channels(make):
    source, said = make(Device(["a", "LES"]), rows=["a=multifidus:left"])
    source.open(1)
    (chunk,) = [source.accept(c) for c in source.chunks(1)]
    assert [c.muscle for c in chunk.channels] == [Muscle.MULTIFIDUS, Muscle.ERECTOR_SPINAE]
    assert said == ["the clock of the device jumped by +50 ms"]


def test_a_refused_chunk_is_declared_by_the_next(make):
    source, _ = make(Device(["a"]))
    source.open(1)
    good = source.source.chunk(1)
    bad = EmgChunk(1, 1000.0, 0, 2, np.full((4, 1), np.nan, np.float32), good.channels)
    with pytest.raises(InputError, match="not finite"):
        source.accept(bad)
    assert source.accept(good).lost_before == 6
    assert source.accept(good).lost_before == 0
