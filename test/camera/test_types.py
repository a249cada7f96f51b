import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics


def test_rays_and_projection_are_inverse():
    camera = Intrinsics(640, 480, 610.0, 615.0, 318.0, 244.0)
    pixel = np.random.default_rng(0).uniform(0, 480, (50, 2))
    points = camera.rays(pixel) * np.linspace(0.5, 4, 50)[:, None]
    np.testing.assert_allclose(camera.project(points), pixel)


def test_the_field_of_view_reaches_the_edges_of_the_image():
    camera = Intrinsics.from_field_of_view(640, 480, np.deg2rad(69))
    edges = camera.rays(np.array([[-0.5, 240.0], [639.5, 240.0]]))
    angle = np.rad2deg(np.arctan(edges[1, 0]) - np.arctan(edges[0, 0]))
    assert angle == pytest.approx(69.0)
