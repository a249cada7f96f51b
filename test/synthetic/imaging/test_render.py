import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.synthetic.imaging import props
from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera
from lbp_rehab.synthetic.imaging.render import Buffers, draw, smooth_normals, view_mesh

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


def cast(origin, rays, vertices, faces, near=0.05):
    """Nearest depth along rays of depth 1 and its face (Moeller and Trumbore 1997)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    e1, e2 = b - a, c - a
    depths, found = [], []
    for ray in rays:
        p = np.cross(ray, e2)
        det = (e1 * p).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            s = origin - a
            u = (s * p).sum(1) / det
            q = np.cross(s, e1)
            v = (q @ ray) / det
            t = (e2 * q).sum(1) / det
            inside = (u >= 0) & (v >= 0) & (u + v <= 1)
        hit = (np.abs(det) > 1e-14) & inside & (t >= near)
        depths.append(np.where(hit, t, np.inf).min())
        found.append(int(np.where(hit, t, np.inf).argmin()))
    return np.array(depths), np.array(found)


def ball(centre, radius, power=2.0):
    mesh = props.ellipsoid(centre, (radius,) * 3, (0.5, 0.5, 0.5), power=power)
    return mesh.vertices_m.astype(float), mesh.faces


@pytest.mark.parametrize(
    ("centre", "radius"),
    [((0.0, 0.0, 0.0), 0.4), ((0.3, -0.2, 0.5), 0.9)],
    ids=["before the camera", "reaching behind it"],
)
def test_depth_agrees_with_rays_cast_at_the_mesh(camera, centre, radius):
    towards = camera.centre_m - TARGET
    vertices, faces = ball(TARGET, radius)
    vertices = vertices + (np.array(centre) + 0.75 * towards if radius > 0.5 else centre)
    behind = camera.to_optical(vertices)[:, 2] < 0
    assert behind.any() == (radius > 0.5)
    view = view_mesh(vertices, faces, camera)
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, 120, 400), rng.integers(0, 160, 400)
    depth, face = cast(camera.centre_m, camera.rays()[rows, columns], vertices, faces)
    drawn = view.depth_m[rows, columns]
    both = np.isfinite(depth) & np.isfinite(drawn)
    assert both.sum() > 40
    assert (np.isfinite(depth) != np.isfinite(drawn)).sum() == 0
    np.testing.assert_allclose(drawn[both], depth[both], rtol=2e-6)
    assert (view.face[rows, columns][both] == face[both]).mean() > 0.99  # but for shared edges


def test_depth_of_a_ball_is_that_of_a_sphere(camera):
    mesh = props.ellipsoid(TARGET, (0.5,) * 3, (0.5, 0.5, 0.5), rings=120)
    view = view_mesh(mesh.vertices_m, mesh.faces, camera)
    optical = camera.to_optical(TARGET[None])[0]
    rays = camera.rays() @ camera.rotation.T
    half = rays @ optical
    square = (rays**2).sum(axis=2)
    inside = half**2 - square * (optical @ optical - 0.25)
    clear = inside > 0.02
    expected = (half - np.sqrt(np.maximum(inside, 0.0))) / square
    assert clear.sum() > 1000
    np.testing.assert_allclose(view.depth_m[clear], expected[clear], atol=4e-4)


def test_leaving_out_what_turns_away_changes_nothing_of_a_closed_mesh(camera):
    vertices, faces = ball(TARGET, 0.5)
    all_faces, front = Buffers.empty(camera), Buffers.empty(camera)
    draw(all_faces, camera, vertices, faces)
    draw(front, camera, vertices, faces, closed_faces=len(faces))
    np.testing.assert_array_equal(all_faces.inverse, front.inverse)


def test_every_second_sample_of_fine_buffers_is_the_middle_of_a_pixel(camera):
    vertices, faces = ball(TARGET, 0.5)
    fine, plain = Buffers.empty(camera, fine=True), Buffers.empty(camera)
    draw(fine, camera, vertices, faces)
    draw(plain, camera, vertices, faces)
    np.testing.assert_allclose(fine.inverse[1::2, 1::2], plain.inverse, rtol=1e-6)


def test_normals_of_a_ball_point_outwards():
    vertices, faces = ball(np.zeros(3), 1.0)
    normals = smooth_normals(vertices, faces)
    pole = np.abs(vertices[:, 2]) > 0.999
    seam = vertices[:, 0] > 0.98 * np.hypot(vertices[:, 0], vertices[:, 1])
    kept = ~pole & ~seam
    np.testing.assert_allclose(normals[kept], vertices[kept], atol=0.05)


@pytest.mark.parametrize("azimuth", [0.0, 1.0, -2.5])
def test_a_camera_straight_overhead_is_defined(azimuth):
    camera = Camera.looking_at(
        TARGET,
        distance_m=2.0,
        elevation_rad=np.pi / 2,
        azimuth_rad=azimuth,
        size=(64, 48),
        focal_px=60.0,
    )
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(camera.centre_m, TARGET + np.array([0.0, 0.0, 2.0]), atol=1e-12)
    # The lower edge of the picture lies in the direction of the azimuth.
    down = [np.cos(azimuth), np.sin(azimuth), 0.0]
    np.testing.assert_allclose(camera.rotation[1], down, atol=1e-12)
