"""Two seconds of sEMG: a recording that replays in a moment."""

from __future__ import annotations

import os

import pytest

from lbp_rehab.bags import BagReader, BagWriter
from lbp_rehab.paths import resource_dir


def write_emg(folder, seconds=2.0):
    """Write the beginning of the sample's sEMG as a recording of its own."""
    with BagReader(resource_dir() / "sample" / "glute_bridge") as sample, BagWriter(folder) as bag:
        bag.add_topic(sample.topics["/emg/raw"])
        end_ns = sample.start_ns + round(seconds * 1e9)
        for message in sample.messages({"/emg/raw"}, end_ns=end_ns):
            bag.write(message.topic, message.data, message.log_time_ns)
    return folder


@pytest.fixture
def emg(tmp_path):
    """Return the path of a recording, in a folder that also is the working directory."""
    before = os.getcwd()
    os.chdir(tmp_path)
    yield write_emg(tmp_path / "data" / "day_1").relative_to(tmp_path)
    os.chdir(before)


@pytest.fixture
def days(emg):
    """Return a folder of two recordings of different length."""
    write_emg(emg.with_name("day_2"), 1.0)
    return emg.parent
