import numpy as np
from upright import STANDING

from lbp_rehab.recognition.observation import JOINT, JOINTS, Course

SECOND = 1_000_000_000


def course(rate_hz=15.0, seconds=6.0, tempo=1.0, lost=()):
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    rise = 0.3 * np.clip(np.sin(np.pi * (t - 1.0) * tempo / 3.0), 0.0, None)
    points = np.tile(STANDING, (len(t), 1, 1))
    points[:, JOINT["l_wrist"], 2] += rise
    known = np.ones((len(t), len(JOINTS)), bool)
    for name in lost:
        known[:, JOINT[name]] = False
    n = len(t)
    return Course(
        np.round(t * SECOND).astype(np.int64), points, known, np.tile(np.eye(3), (n, 1, 1)),
        np.ones(n, bool), np.zeros(n), np.ones(n, bool),
    )  # fmt: skip
