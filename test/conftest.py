"""What all tests share: the real data beside the repository, and ROS processes of their own."""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lbp_rehab import environment
from lbp_rehab.pose.skeleton import NAMES

ROOT = Path(__file__).resolve().parent.parent
REAL_RGBD = ROOT.parent / "shared" / "data" / "realsense_rgbd"

environment.apply()
# A shell lets what it runs in the background ignore Ctrl-C, and so all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Each test process has its own DDS domain; 101 is the highest safe one, 0 is the user's.
_domains = itertools.cycle(range(1, 102))
for _ in range(os.getpid() % 101):
    next(_domains)


@pytest.fixture
def real_rgbd() -> Path:
    """Return the folder of real RGB-D frames of two people."""
    if not REAL_RGBD.is_dir():
        pytest.skip("the real RGB-D frames are not on this machine")
    return REAL_RGBD


@pytest.fixture(scope="session")
def synthetic_extra() -> None:
    """Skips where the extra ``synthetic`` is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("anny", "numba")):
        pytest.skip("needs the extra synthetic")


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """Give the test and the processes it starts a DDS domain and logs of their own."""
    domain = next(_domains)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros_log"))
    return domain


class Terminal:
    """A terminal of the test's own, with a process in its foreground; its output are pipes."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.child: subprocess.Popen | None = None

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start Python in a session of its own, whose terminal this is."""
        self.child = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=self.slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
            text=True,
        )
        return self.child

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def modes(self) -> list:
        """Return how the terminal is set."""
        return termios.tcgetattr(self.slave)

    def close(self) -> None:
        """End what was started."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.communicate()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Return a terminal."""
    opened = Terminal()
    yield opened
    opened.close()


@pytest.fixture
def standing_shape() -> np.ndarray:
    """A rough upright person about the mid-hip: x right, y down, z forward, metres."""
    place = {
        "nose": (0, -0.65, -0.10), "shoulder": (0.18, -0.48, 0.0), "elbow": (0.25, -0.2, 0.02),
        "wrist": (0.27, 0.03, -0.05), "hip": (0.10, 0.0, 0.0), "knee": (0.11, 0.42, -0.03),
        "ankle": (0.11, 0.80, 0.05), "heel": (0.11, 0.85, 0.08), "toe": (0.13, 0.86, -0.10),
    }  # fmt: skip
    shape = np.zeros((len(NAMES), 3))
    for i, name in enumerate(NAMES):
        x, y, z = place.get(name.split("_")[1] if "_" in name else name, (0.03, -0.66, -0.06))
        # A person who faces the camera has the left side on the image's right.
        shape[i] = (x if name.startswith("l_") else -x, y, z)
    return shape
