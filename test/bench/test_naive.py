import numpy as np
import pytest
from clips import CAMERA, SUPPORT, pose_of, standing, tilted

from lbp_rehab.bench.naive import (
    back_project,
    naive_angles,
    naive_bursts,
    naive_envelope,
    naive_median_slope,
    naive_pelvis,
)

DEG = np.pi / 180.0


def test_a_landmark_is_put_at_the_median_depth_of_its_window():
    depth = np.full((120, 160), 2000, np.uint16)
    depth[57:64, 77:84] = 0
    depth[57:64, 77] = 1500
    depth[60, 80:84] = 3000
    position, known = back_project(np.array([[80.0, 60.0]]), depth, CAMERA)
    assert known.all()
    assert position[0, 2] == pytest.approx(1.5)
    assert CAMERA.project(position) == pytest.approx(np.array([[80.0, 60.0]]))


def test_a_landmark_in_a_hole_or_outside_the_image_is_unknown():
    depth = np.full((120, 160), 2000, np.uint16)
    depth[20:40, 20:40] = 0
    pixel = np.array([[30.0, 30.0], [-5.0, 60.0], [80.0, 200.0], [80.0, 60.0]])
    assert back_project(pixel, depth, CAMERA)[1].tolist() == [False, False, False, True]
    assert not back_project(pixel, None, CAMERA)[1].any()


def test_angles_of_the_line_are_exact_on_exact_points():
    poses = [pose_of(k, tilted(standing(), a * DEG)) for k, a in enumerate((2.0, 2.0, 30.0))]
    axes = [naive_pelvis(p.position, p.status > 0, SUPPORT) for p in poses]
    absolute, relative = naive_angles([*axes, None], np.array([True, True, False, False]))
    assert absolute[:3, 0] / DEG == pytest.approx([2.0, 2.0, 30.0])
    assert relative[2, 0] / DEG == pytest.approx(28.0)
    assert np.isnan(relative[[0, 1, 3]]).all()
    assert np.isnan(absolute[3]).all()


def test_an_unknown_hip_leaves_the_line_unknown():
    pose = pose_of(0, standing())
    known = pose.status > 0
    known[23] = False
    assert naive_pelvis(pose.position, known, SUPPORT) is None


def test_envelope_and_bursts_find_a_burst_of_noise():
    rng = np.random.default_rng(0)
    strength = np.full(4000, 0.02)
    strength[2000:3000] = 1.0
    envelope = naive_envelope((strength * rng.standard_normal(4000))[:, None], 1000.0)
    # Of the noise's power the band from 20 to 450 Hz passes 86 %; its mean absolute value is
    # sqrt(2 / pi) of its RMS.
    assert envelope[2200:2800].mean() == pytest.approx(np.sqrt(2 / np.pi * 0.86), rel=0.08)
    ((start, end),) = naive_bursts(envelope[:, 0], 1000.0)
    assert start == pytest.approx(2000, abs=20)
    assert end == pytest.approx(3000, abs=20)


def test_mains_that_the_envelope_is_told_of_goes_and_another_stays():
    t_s = np.arange(4000) / 1000.0
    hum = np.sin(2 * np.pi * 60.0 * t_s)[:, None]
    assert naive_envelope(hum, 1000.0, 60.0)[1000:3000].max() < 0.01
    assert naive_envelope(hum, 1000.0, 50.0)[1000:3000].mean() == pytest.approx(2 / np.pi, rel=0.05)


def test_slope_of_the_median_frequency_needs_five_seconds():
    assert np.isnan(naive_median_slope(np.ones(4000), 1000.0))
    chirp = np.sin(
        2
        * np.pi
        * (100.0 * np.arange(20000) / 1000.0 - 0.5 * 2.0 * (np.arange(20000) / 1000.0) ** 2)
    )
    assert naive_median_slope(chirp, 1000.0) == pytest.approx(-2.0, abs=0.1)
