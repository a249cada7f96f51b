"""Bags for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbp_rehab.bags import BagWriter, Compression, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.qos import DEFAULT_QOS

SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND


class Recording:
    """A bag in the making, and what was put into it."""

    def __init__(self, folder: Path, compression: Compression = Compression.NONE) -> None:
        self.folder = folder
        self.written: list[tuple[str, int, bytes]] = []
        self.flushed: list[tuple[int, int]] = []  # size of the file, messages safe in it
        self.writer = BagWriter(folder, compression, flush_period_s=3600.0)

    @property
    def file(self) -> Path:
        return self.folder / f"{self.folder.name}_0.mcap"

    def topic(self, name: str, kind: str = "std_msgs/msg/String") -> None:
        known = installed(kind)
        self.writer.add_topic(
            Topic(name, kind, known.text, known.encoding, known.type_hash, (DEFAULT_QOS,))
        )

    def write(self, name: str, log_time_ns: int, data: bytes) -> None:
        self.writer.write(name, data, log_time_ns, max(log_time_ns - 1000, 0))
        self.written.append((name, log_time_ns, data))

    def flush(self) -> None:
        self.writer.flush()
        self.flushed.append((self.file.stat().st_size, len(self.written)))

    def fill(self, count: int, flush_every: int) -> None:
        """Write messages of two topics, 10 ms apart, each different and of its own size."""
        self.topic("/a")
        self.topic("/b")
        for index in range(count):
            data = b"\x00\x01\x00\x00" + index.to_bytes(4, "little") * (1 + index % 37)
            self.write(("/a", "/b")[index % 2], START_NS + index * SECOND // 100, data)
            if (index + 1) % flush_every == 0:
                self.flush()


@pytest.fixture
def recording(tmp_path):
    """Return a function that begins a bag."""

    def begin(name: str = "bag", compression: Compression = Compression.NONE) -> Recording:
        return Recording(tmp_path / name, compression)

    return begin
