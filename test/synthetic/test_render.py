import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.synthetic.camera import NOTHING, Camera
from lbp_rehab.synthetic.render import view_mesh

TARGET = np.array([0.1, -0.2, 0.3])


@pytest.fixture
def camera():
    return Camera.looking_at(
        TARGET,
        distance_m=2.0,
        elevation_rad=0.6,
        azimuth_rad=1.8,
        size=(160, 120),
        focal_px=150.0,
        roll_rad=0.05,
    )


def test_target_lies_in_the_middle_at_its_distance(camera):
    optical = camera.to_optical(TARGET[None])
    np.testing.assert_allclose(optical, [[0.0, 0.0, 2.0]], atol=1e-12)
    np.testing.assert_allclose(camera.project(optical), [camera.principal_px], atol=1e-9)


def test_rays_go_through_the_pixels_they_belong_to(camera):
    points = camera.centre_m + 1.7 * camera.rays()
    pixels = camera.project(camera.to_optical(points.reshape(-1, 3)))
    rows, columns = np.mgrid[:120, :160]
    np.testing.assert_allclose(pixels, np.stack([columns.ravel(), rows.ravel()], 1), atol=1e-9)


def test_depth_and_weights_of_a_triangle_are_exact(camera):
    corners = TARGET + np.array([[-0.5, 0.0, -0.2], [0.5, 0.1, -0.3], [0.0, -0.2, 0.6]])
    view = view_mesh(corners, np.array([[0, 1, 2]], np.int32), camera)
    seen = view.face != NOTHING
    assert seen.sum() > 500
    points = camera.centre_m + camera.rays()[seen] * view.depth_m[seen][:, None]
    np.testing.assert_allclose(view.weights[seen] @ corners, points, atol=2e-6)
    assert np.isinf(view.depth_m[~seen]).all()


def test_nearer_triangle_hides_the_other(camera):
    triangle = np.array([[-0.5, 0.0, -0.2], [0.5, 0.1, -0.3], [0.0, -0.2, 0.6]])
    towards = camera.centre_m - TARGET
    corners = np.concatenate([TARGET + triangle, TARGET + 0.5 * triangle + 0.4 * towards])
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    view = view_mesh(corners, faces, camera)
    alone = view_mesh(corners, faces[1:], camera)
    assert (view.face[alone.face != NOTHING] == 1).all()
    assert (view.face == 0).any()
