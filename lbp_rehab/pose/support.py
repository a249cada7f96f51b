"""The plane that carries the patient (floor, mat, bed) and with it the direction of gravity.

A look at the scene takes three steps: the large planes of any direction (`planes`), the direction
in which they make a room (horizontal ones carry, walls stand on them, nothing lies below), and the
level right under the patient (`level`). `support_tracker` looks again over time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pose.level import (
    HANGS_M,
    LIKELY_GAP_M,
    MIN_SPOT,
    central_level,
    height_of,
    inferred_height,
    level_below,
    level_under,
    lies,
    lowest,
    square_to,
)
from lbp_rehab.pose.planes import MIN_POINTS, SCORED, SQUARE_RAD, Plane, find_planes, noise_across
from lbp_rehab.pose.types import Support

Array = NDArray[np.float64]

STRIDE = 8  # every 8th pixel of every 8th row
MIN_BODY = 5  # fewer points of a body say nothing
# Which way is up.
ROLL_RAD = float(np.deg2rad(18.0))  # how far up may lie off the arc of a level camera
WALL_WEIGHT = 0.25  # of a wall's points beside a floor's
BELOW_M = 0.08  # points so far under the lowest level speak against it
LEAST_SHARE = 0.004  # what a level counts that much lies below: a bed seen from low over its edge
HIGHEST_M = 4.5  # no camera hangs so far over what it shows: a wall that faces it
FROM_ABOVE = 0.6  # sine of the elevation from which what carries a body is seen beside it
UNSEEN_GAP_M = 0.4  # between a body and the nearest level
# Errors of the direction, found on rendered scenes.
ALIKE = 8.0  # so many neighbouring readings share their noise
WARP = 0.2  # of the noise stays over the whole plane
WALL_WARP = 2.0
WALL_SIGMA_RAD = float(np.deg2rad(0.5))  # walls are so nearly upright
MIN_SIGMA_RAD = float(np.deg2rad(0.1))  # no camera is calibrated better
IMAGE_UP = np.array([0.0, -1.0, 0.0])
TOWARDS_CAMERA = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class GravityRule:
    """Where up is looked for: near the arc from ``hint`` to ``until``.

    Attributes
    ----------
    hint, until : ndarray, shape (3,)
        Unit vectors in the optical frame. A camera that looks down by any angle has up on the arc
        from the image's up to the direction towards the camera.
    cone_rad : float
        How far from the arc up may lie; 0: the hint is exact.
    """

    hint: Array
    until: Array
    cone_rad: float

    @classmethod
    def parse(cls, text: str) -> GravityRule:
        """Return the rule that a parameter names: ``auto``, ``overhead`` or ``x,y,z``.

        Raises
        ------
        InputError
            If the text is none of these.
        """
        if text == "auto":
            return cls(IMAGE_UP, TOWARDS_CAMERA, ROLL_RAD)
        if text == "overhead":
            return cls(TOWARDS_CAMERA, TOWARDS_CAMERA, 2.0 * ROLL_RAD)
        try:
            up = np.array([float(v) for v in text.split(",")])
            norm = float(np.linalg.norm(up))
            if up.shape != (3,) or not np.isfinite(norm) or norm < 1e-6:
                raise ValueError
        except ValueError:
            raise InputError(
                f"gravity '{text}' is not 'auto', 'overhead' or three numbers 'x,y,z' that point "
                "up in the camera's optical frame"
            ) from None
        return cls(up / norm, up / norm, 0.0)

    @property
    def exact(self) -> bool:
        """Whether the direction is given and not looked for."""
        return self.cone_rad == 0.0

    def doubt(self, up: Array) -> float:
        """Return how unlikely a direction is: its negative log-likelihood, infinite outside.

        A camera is rolled more often than it looks beyond an end of the arc, where a wall that
        faces it would be level.
        """
        along = self.until - (self.until @ self.hint) * self.hint
        size = float(np.linalg.norm(along))
        nearest = max(float(up @ self.hint), float(up @ self.until))
        sigma = self.cone_rad / (2.5 if size == 0.0 else 4.5)
        if size > 0.0:
            x, y = float(up @ self.hint), float(up @ along) / size
            if 0.0 <= np.arctan2(y, x) <= np.arctan2(size, float(self.until @ self.hint)):
                nearest = float(np.hypot(x, y))  # cosine of the angle to the arc's great circle
                sigma = self.cone_rad / 2.5
        off = float(np.arccos(np.clip(nearest, -1.0, 1.0)))
        return 0.5 * (off / sigma) ** 2 if off <= self.cone_rad else np.inf


def usable(points: Array) -> Array:
    """Return the points that are finite and before the camera, shape (n, 3)."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    return points[np.isfinite(points).all(axis=1) & (points[:, 2] > 0)]


def cloud(depth: NDArray[np.uint16], intrinsics: Intrinsics) -> Array:
    """Return a thinned point cloud in metres in the optical frame, shape (n, 3)."""
    first = STRIDE // 2
    z = depth[first::STRIDE, first::STRIDE].astype(np.float64) / 1000.0
    rows, columns = np.nonzero(z)
    pixel = STRIDE * np.stack([columns, rows], axis=1).astype(np.float64) + first
    return intrinsics.rays(pixel) * z[rows, columns][:, None]


def find_support(
    points: Array, rule: GravityRule, seed: int = 0, body: Array | None = None
) -> Support | None:
    """Find gravity and the plane right under the patient.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        Metres in the optical frame; what is not finite is left out.
    rule : GravityRule
    seed : int
        Of the random hypotheses: the same points give the same plane.
    body : ndarray, shape (m, 3), optional
        Rough points of the patient in the optical frame, joints or skin; some may be wrong. None:
        the highest large level in the middle of the picture carries.

    Returns
    -------
    Support or None
        None if no large plane can be level under this rule. The height is INFERRED where the body
        lies on something that the camera does not see.
    """
    points = usable(points)
    body = None if body is None else usable(body)
    if body is not None and len(body) < MIN_BODY:
        body = None
    if len(points) < MIN_POINTS:
        return None
    planes = find_planes(points, seed)
    up = rule.hint if rule.exact else _most_likely_up(points, planes, rule, body)
    if up is None:
        return None
    level = [p for p in planes if p.normal @ up > np.cos(SQUARE_RAD)]
    walls = [_upright(points, p, up) for p in planes if abs(p.normal @ up) < np.sin(SQUARE_RAD)]
    groups = [np.flatnonzero(p.holds(points)) for p in level]
    sigma_rad = MIN_SIGMA_RAD
    if not rule.exact:
        up, sigma_rad = _direction(points, up, groups, walls)
    spot = None
    if body is None:
        spot = central_level(points, up, groups)
    elif groups:
        spot = level_under(points, up, body)
        if spot is None:
            spot = level_below(points, up, groups, body)
    if spot is None:
        height = Estimate.unknown(Reason.OCCLUDED)
        if body is not None and lies(body, up):
            height = inferred_height(body, up)
        return Support(up, sigma_rad, height)
    if not rule.exact:
        # What lies right under the patient may be a finger over the rest of its plane: a mat.
        rest = np.ones(len(points), bool)
        rest[spot] = False
        apart = [g[rest[g]] for g in groups]
        up, sigma_rad = _direction(points, up, [spot, *apart], walls)
    return Support(up, sigma_rad, height_of(points, up, spot, sigma_rad))


def _most_likely_up(
    points: Array, planes: list[Plane], rule: GravityRule, body: Array | None
) -> Array | None:
    """Return the direction in which the planes best make a room.

    Level planes carry and upright ones stand on them (a Manhattan world, Coughlan and Yuille 1999),
    nothing lies below the lowest, and the patient touches one of them. Up is the normal of a plane,
    or is square to two walls where no floor is seen.
    """
    if not planes:
        return None
    some = points[:: max(len(points) // SCORED, 1)]
    middle = np.median(some if body is None else body, axis=0)
    middle /= np.linalg.norm(middle)
    best, chosen = -np.inf, None
    for up in _candidates(np.array([p.normal for p in planes])):
        doubt = rule.doubt(up)
        if np.isinf(doubt):
            continue
        level = [p for p in planes if p.normal @ up > np.cos(SQUARE_RAD)]
        walls = [p for p in planes if abs(p.normal @ up) < np.sin(SQUARE_RAD)]
        made = sum(p.share for p in level) + WALL_WEIGHT * sum(p.share for p in walls)
        if level and min(p.height for p in level) > HIGHEST_M:
            continue
        if level:
            bottom = max(p.height for p in level)
            off = some @ up + bottom
            made -= 2.0 * float((off < -BELOW_M - 2.0 * noise_across(some, bottom)).mean())
        score = np.log(max(made, LEAST_SHARE)) - doubt
        above = float(-middle @ up) > FROM_ABOVE
        if above and made <= 0.0:
            continue  # a floor would be seen: the body's own front, or nothing at all
        if body is not None:
            low = lowest(body, up) - HANGS_M
            gap = min((low + p.height for p in level), key=abs, default=np.inf)
            score -= 0.5 * min(abs(gap) / LIKELY_GAP_M, 3.0) ** 2
            if above and gap > UNSEEN_GAP_M and lies(body, up):
                continue  # what carries the body would be seen: a wall behind it
        if score > best:
            best, chosen = score, up
    return chosen


def _candidates(normals: Array) -> Array:
    """Return the normals and, where none is near, the edges of square planes, shape (n, 3)."""
    one, other = np.triu_indices(len(normals), 1)
    square = np.abs(normals @ normals.T)[one, other] < np.sin(SQUARE_RAD)
    edges = np.cross(normals[one[square]], normals[other[square]])
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    edges = np.concatenate([edges, -edges])
    far = (edges @ normals.T).max(axis=1, initial=-1.0) < np.cos(SQUARE_RAD)
    return np.concatenate([normals, edges[far]])


def _direction(
    points: Array, up: Array, groups: list[NDArray[np.intp]], walls: list[tuple[Array, float]]
) -> tuple[Array, float]:
    """Return the direction that all level planes share, and its sigma.

    Each group has its own height; walls pull towards what is square to them.
    """
    for _ in range(2):
        across = square_to(up)
        left, right = np.zeros((2, 2)), np.zeros(2)
        for normal, sigma in walls:
            t = across @ normal
            left += np.outer(t, t) / sigma**2
            right -= t * float(up @ normal) / sigma**2
        for group in groups:
            if len(group) < MIN_SPOT:
                continue
            slope, about = _slope(points[group], up, across)
            certain = np.linalg.inv(about)
            left += certain
            right -= certain @ slope
        if np.linalg.det(left) <= 0.0:
            return up, np.pi / 4
        up = up + np.linalg.solve(left, right) @ across
        up /= np.linalg.norm(up)
    sigma = np.sqrt(np.trace(np.linalg.inv(left)) / 2.0)
    return up, float(np.hypot(sigma, MIN_SIGMA_RAD))


def _upright(points: Array, wall: Plane, up: Array) -> tuple[Array, float]:
    """Return a wall's normal and how far off upright it may seem."""
    on = points[wall.holds(points)]
    noise = float(np.median(noise_across(on, wall.height)))
    return wall.normal, float(np.hypot(WALL_SIGMA_RAD, WALL_WARP * noise / (on @ up).std()))


def _slope(on: Array, up: Array, across: Array) -> tuple[Array, Array]:
    """Return how much a group rises along two directions, shape (2,), and the covariance.

    One step of a robust fit from a group that is level.
    """
    x, y = on @ across.T, on @ up
    middle = float(np.median(y))
    noise = noise_across(on, -middle)
    weight = noise**-2 / (1.0 + ((y - middle) / noise) ** 2)  # Cauchy's: outliers count little
    total = float(weight.sum())
    x -= weight @ x / total
    y -= weight @ y / total
    spread = (x * weight[:, None]).T @ x
    # Neighbouring readings share their noise, and floors and cameras are not quite even: a warp
    # over the whole plane tilts it however many points it has.
    covariance = np.linalg.inv(spread) * (ALIKE + WARP**2 * len(on))
    return np.asarray(np.linalg.solve(spread, x.T @ (weight * y))), np.asarray(covariance)


def without_depth(rule: GravityRule) -> Support | None:
    """Return gravity alone where the rule gives it, if roughly; the plane stays unknown."""
    if rule.exact:
        return Support(rule.hint, MIN_SIGMA_RAD, Estimate.unknown(Reason.NO_DEPTH))
    if rule.hint is rule.until:  # one direction, and not an arc of them
        return Support(rule.hint, rule.cone_rad / 2.5, Estimate.unknown(Reason.NO_DEPTH))
    return None


def agreement(points: Array, support: Support) -> float:
    """Return the share of points that lie on the plane, 0 to 1."""
    points = usable(points)
    if not len(points) or not support.height.known:
        return 0.0
    return float(Plane(support.up, support.height.value, 0.0).holds(points).mean())
