import numpy as np
import pytest

from lbp_rehab.pose.skeleton import NAMES


@pytest.fixture
def standing_shape():
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
