import numpy as np

from lbp_rehab.pose.depth import sample


def scene(background_mm=3000, body_mm=1500):
    depth = np.full((100, 120), background_mm, np.uint16)
    depth[40:60, 50:70] = body_mm
    return depth


def test_the_surface_at_a_pixel_is_read_in_metres():
    z, spread = sample(scene(), np.array([[60.0, 50.0]])).surface()
    assert z[0] == 1.5
    assert spread[0] == 0.0


def test_at_an_edge_the_body_wins_over_the_background():
    z, _ = sample(scene(), np.array([[52.0, 50.0]])).surface()
    assert z[0] == 1.5


def test_an_expected_depth_picks_the_surface_behind():
    z, _ = sample(scene(), np.array([[49.0, 50.0]])).surface(np.array([3.0]), 0.2)
    assert z[0] == 3.0


def test_holes_are_ignored_and_a_window_of_holes_is_unknown():
    depth = scene()
    depth[40:60, 50:62] = 0
    z, _ = sample(depth, np.array([[64.0, 50.0], [55.0, 50.0]])).surface()
    assert z[0] == 1.5
    assert np.isnan(z[1])


def test_a_pixel_outside_the_image_is_unknown():
    samples = sample(scene(), np.array([[-3.0, 50.0], [60.0, 100.0]]))
    assert not samples.inside.any()
    assert np.isnan(samples.surface()[0]).all()


def test_the_spread_is_a_robust_sigma():
    rng = np.random.default_rng(0)
    depth = np.clip(rng.normal(2000, 10, (100, 120)), 1, None).astype(np.uint16)
    _, spread = sample(depth, rng.uniform(10, 90, (300, 2))).surface(np.full(300, 2.0), 0.5)
    assert abs(np.mean(spread) - 0.010) < 0.001
