"""A stick figure that bends, a synthetic patient who does so, and files of both."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.skeletons.axes import optical_axes
from lbp_rehab.skeletons.layouts import LAYOUTS, Scale

RATE_HZ = 30.0
KIMORE = Path(os.pardir) / "shared" / "data" / "kimore_sample"
FOUR = ("kinect25", "coco17", "blazepose33", "halpe26")


def bend_angles(repetitions=3, rest_s=2.0, way_s=3.0, top_rad=1.6):
    """Angle of the trunk over time, in radians: a cosine out and back, then rest."""
    rest = np.zeros(round(rest_s * RATE_HZ))
    s = np.arange(round(way_s * RATE_HZ)) / (way_s * RATE_HZ)
    way = 0.5 * top_rad * (1 - np.cos(np.pi * s))
    one = np.concatenate([way, way[::-1], rest])
    return np.concatenate([rest, np.tile(one, repetitions)])


def stick_figure(angles):
    """Our 33 points of a person who bends at the hips, optical frame, metres, shape (n, 33, 3)."""
    upright = {
        "nose": (0, -0.70, -0.10), "shoulder": (0.18, -0.50, 0.0), "elbow": (0.25, -0.2, 0.02),
        "wrist": (0.27, 0.03, -0.05), "hip": (0.10, 0.0, 0.0), "knee": (0.11, 0.42, -0.01),
        "ankle": (0.11, 0.80, 0.02), "heel": (0.11, 0.86, 0.06), "toe": (0.13, 0.86, -0.12),
    }  # fmt: skip
    shape = np.zeros((len(NAMES), 3))
    for i, name in enumerate(NAMES):
        part = name.split("_")[1] if "_" in name else name
        x, y, z = upright.get(part, (0.03, -0.68, -0.08))
        shape[i] = (x if name.startswith("l_") else -x, y, z)
    legs = [i for i, n in enumerate(NAMES) if n.endswith(("hip", "knee", "ankle", "heel", "toe"))]
    out = []
    for angle in angles:
        c, s = np.cos(angle), np.sin(angle)
        # Forwards is towards the camera, -z.
        turned = shape @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
        turned[legs] = shape[legs]
        out.append(turned + np.array([0.3, 0.1, 2.5]))
    return np.array(out)


def joints_of(points, layout, up=None, left_handed=False):
    """Our points as the layout's joints in its axes, shape (n, j, 3); NaN where we have none."""
    joints = np.full((len(points), len(layout.joints), 3), np.nan)
    axes = optical_axes(up or layout.up, left_handed)
    for ours, theirs in layout.points.items():
        joints[:, layout.joints.index(theirs)] = points[:, NAMES.index(ours)] @ axes
    return joints


FULL_MARK = {Scale.KINECT: 2, Scale.AZURE: 3, Scale.FRACTION: 1}


def write(path, layout, joints, *, header=True, scale=1.0, fourth=True, time=True, order=None):
    """Write joints as a CSV; a joint that is NaN is marked as not tracked."""
    order = list(order if order is not None else range(len(layout.joints)))
    last = "state" if layout.scale == Scale.KINECT else "confidence"
    lines = []
    if header:
        names = [layout.joints[i] for i in order]
        kinds = ("x", "y", "z", last) if fourth else ("x", "y", "z")
        titles = [f"{n}_{k}" for n in names for k in kinds]
        lines.append(",".join((["time"] if time else []) + titles))
    for k, frame in enumerate(joints):
        cells = [f"{k / RATE_HZ:.4f}"] if time else []
        for i in order:
            known = np.isfinite(frame[i]).all()
            cells += [f"{scale * v:.6f}" for v in (frame[i] if known else np.zeros(3))]
            if fourth:
                cells.append(str(FULL_MARK[layout.scale] if known else 0))
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def bends():
    """Three bends of the stick figure, optical frame, shape (n, 33, 3)."""
    return stick_figure(bend_angles())


@pytest.fixture
def kinect(tmp_path, bends):
    """A file of the three bends as Kinect v2 gives them."""
    layout = LAYOUTS["kinect25"]
    return write(tmp_path / "kinect.csv", layout, joints_of(bends, layout))


@pytest.fixture(scope="session")
def patient(synthetic_extra):
    """True poses of a synthetic patient's forward bends, without rendering."""
    from lbp_rehab.synthetic import truth
    from lbp_rehab.synthetic.imaging.camera import Camera
    from lbp_rehab.synthetic.motion.movement import Fault
    from lbp_rehab.synthetic.scenario import Scenario
    from lbp_rehab.synthetic.studio import Patient

    scenario = Scenario(
        "forward_bend", seed=11, repetitions=3, faults=(Fault(3, "deviates", 1.0),), rate_hz=RATE_HZ
    )
    person = Patient(scenario)
    camera = Camera.looking_at(
        np.array([0.0, 0.0, 0.9]), distance_m=3.0, elevation_rad=0.0, azimuth_rad=0.6,
        size=(640, 480), focal_px=500.0,
    )  # fmt: skip
    times = np.arange(0.0, scenario.movement.duration_s, 1.0 / RATE_HZ)
    return [
        truth.keypoints(
            person.body, person.at(float(t))[0], person.posture, camera,
            stamp_ns=round(t * 1e9), frame_id="camera",
        )
        for t in times
    ]  # fmt: skip


@pytest.fixture
def kimore():
    """The folder of two real recordings."""
    if not KIMORE.is_dir():
        pytest.skip("the KIMORE sample is not on this machine")
    return KIMORE


@pytest.fixture(name="write")
def write_fixture():
    """The writer of files."""
    return write


@pytest.fixture(name="joints_of")
def joints_of_fixture():
    """The map from our points to a layout's joints."""
    return joints_of
