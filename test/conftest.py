"""What all tests share: the real data beside the repository, and ROS processes of their own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from lbp_rehab import environment

ROOT = Path(__file__).resolve().parent.parent
REAL_RGBD = ROOT.parent / "shared" / "data" / "realsense_rgbd"

environment.apply()
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


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """Give the test and the processes it starts a DDS domain and logs of their own."""
    domain = next(_domains)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros_log"))
    return domain
