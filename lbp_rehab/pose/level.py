"""The level right under a body, of a scene in which up is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Status
from lbp_rehab.pose.planes import noise_across

Array = NDArray[np.float64]

MIN_SPOT = 20  # points of a level
LOWEST_SHARE = 0.12  # of a body's points may be wrong and too low
HANGS_M = 0.035  # the lowest joints lie so far over what carries them
LIKELY_GAP_M = 0.09  # 1-sigma of that
NEAR_M = 0.30  # round the body's points, where its support is looked for
LYING = 1.8  # times as long as high
PERSON_M = 1.2  # a level that carries somebody is at least so long
CENTRAL_SHARE = 0.3  # of the most central level's weight, for a higher one to be the bed
HEIGHT_SIGMA_M = 0.008  # depth cameras' bias at the distance of a room
INFERRED_SIGMA_M = 0.05


def level_under(points: Array, up: Array, body: Array) -> NDArray[np.intp] | None:
    """Return the points of the level right under and beside a body; None if it is not seen."""
    high, low = points @ up, lowest(body, up)
    band = np.flatnonzero((high > low - 0.30) & (high < low + 0.10))
    if len(band) < MIN_SPOT:
        return None
    some = points[band] - np.outer(high[band], up)
    flat = body - np.outer(body @ up, up)
    squared = (some**2).sum(1)[:, None] + (flat**2).sum(1) - 2.0 * some @ flat.T
    near = band[squared.min(axis=1) < NEAR_M**2]
    if len(near) < MIN_SPOT:
        return None
    noise = noise_across(points[near], -low)
    edges = np.arange(low - 0.30, low + 0.105, 0.005)
    count, _ = np.histogram(high[near], edges, weights=1.0 / noise)
    middle = edges[:-1] + 0.0025
    width = float(np.median(noise))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) * 0.005 / max(width, 0.005)) ** 2)
    density = np.convolve(count, kernel, "same")
    density *= np.exp(-0.5 * ((low - middle - HANGS_M) / LIKELY_GAP_M) ** 2)
    at = float(middle[int(np.argmax(density))])
    spot = near[np.abs(high[near] - at) < 2.0 * noise]
    return spot if len(spot) >= MIN_SPOT else None


def level_below(
    points: Array, up: Array, groups: list[NDArray[np.intp]], body: Array
) -> NDArray[np.intp] | None:
    """Return the points of the highest level below a body that does not lie on something unseen."""
    low = lowest(body, up)
    heights = [float(np.median(points[g] @ up)) for g in groups]
    fitting = [k for k, h in enumerate(heights) if h < low + 0.06]
    if not fitting:
        return None
    best = max(fitting, key=lambda k: heights[k])
    if low - heights[best] > 0.30 and lies(body, up):
        return None
    return groups[best]


def central_level(
    points: Array, up: Array, groups: list[NDArray[np.intp]]
) -> NDArray[np.intp] | None:
    """Return the points of the highest level in the picture's middle on which a person has room."""
    if not groups:
        return None
    ray = points[:, :2] / points[:, 2:]
    off = (ray**2).sum(axis=1)
    weight = np.exp(-off / (0.5 * off.max()))
    roomy = [g for g in groups if len(g) >= MIN_SPOT and _length(points[g], up) > PERSON_M]
    if not roomy:
        return None
    total = [float(weight[g].sum()) for g in roomy]
    large = [g for g, w in zip(roomy, total, strict=True) if w > CENTRAL_SHARE * max(total)]
    return max(large, key=lambda g: float(np.median(points[g] @ up)))


def height_of(points: Array, up: Array, spot: NDArray[np.intp], sigma_rad: float) -> Estimate:
    """Return how high the camera is over the points of a level, metres, by a robust mean."""
    on = points[spot]
    high = on @ up
    noise = noise_across(on, -float(np.median(high)))
    at = float(np.median(high))
    for _ in range(3):
        at = float(np.average(high, weights=noise**-2 / (1.0 + ((high - at) / noise) ** 2) ** 2))
    middle = on.mean(axis=0)
    lever = float(np.linalg.norm(middle - (middle @ up) * up))
    return Estimate(-at, float(np.hypot(HEIGHT_SIGMA_M, lever * sigma_rad)))


def inferred_height(body: Array, up: Array) -> Estimate:
    """Return how high the camera is over what carries a body, by the body's lowest points alone."""
    return Estimate(HANGS_M - lowest(body, up), INFERRED_SIGMA_M, Status.INFERRED)


def lowest(body: Array, up: Array) -> float:
    """Return how high the lowest points of a body are that are not mistakes."""
    high = np.sort(body @ up)
    return float(high[int(LOWEST_SHARE * (len(high) - 1))])


def lies(body: Array, up: Array) -> bool:
    """Whether a body is longer than it is high."""
    return bool(_length(body, up) > LYING * np.sqrt(12.0) * (body @ up).std())


def _length(points: Array, up: Array) -> float:
    """Return the level length of points, as that of something evenly long."""
    flat = points @ square_to(up).T
    return float(np.sqrt(12.0 * np.linalg.eigvalsh(np.cov(flat.T))[-1]))


def square_to(up: Array) -> Array:
    """Return two directions square to another and to each other, shape (2, 3).

    Duff et al. 2017, "Building an orthonormal basis, revisited".
    """
    x, y, z = up
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    return np.array([[1.0 + sign * x * x * a, sign * b, -sign * x], [b, sign + y * y * a, -y]])
