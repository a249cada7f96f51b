"""Environment of every process of the graph: transport profile, discovery, threads."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from lbp_rehab.paths import config_dir


def defaults() -> dict[str, str]:
    """Return the variables that the graph needs, unless the user has set them otherwise."""
    profile = str(config_dir() / "fastdds.xml")
    return {
        # Jazzy reads the first, Kilted and later the second.
        "FASTRTPS_DEFAULT_PROFILES_FILE": profile,
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        # Patients' data stays on this machine.
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        # The nodes are many and their matrices small: more threads only get in each other's way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def apply(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what is not set. To be called before rclpy starts."""
    for name, value in defaults().items():
        environment.setdefault(name, value)
