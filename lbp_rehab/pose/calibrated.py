"""A support plane that was measured beforehand, as a parameter writes it."""

from __future__ import annotations

import numpy as np

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate
from lbp_rehab.pose.types import Support

UP_SIGMA_RAD = float(np.deg2rad(0.5))  # of an inclinometer, or of the plane that the camera found
HEIGHT_SIGMA_M = 0.01  # of a tape measure
HIGHEST_M = 10.0  # more is in another unit


def parse_support(text: str) -> Support | None:
    """Return the plane that a parameter names; None if it is empty.

    Parameters
    ----------
    text : str
        ``x,y,z,height``: the direction of up in the camera's optical frame, of any length, and the
        camera's height over the plane along it in metres.

    Raises
    ------
    InputError
        If the text is not that.
    """
    if not text.strip():
        return None
    try:
        *up, height = (float(v) for v in text.split(","))
        norm = float(np.linalg.norm(up))
        if len(up) != 3 or not np.isfinite([norm, height]).all() or norm < 1e-6:
            raise ValueError
    except ValueError:
        raise InputError(
            f"support '{text}' is not 'x,y,z,height': up in the camera's optical frame, and the "
            "camera's height over the support in metres, such as 0,-0.94,-0.34,1.2"
        ) from None
    if not 0.0 < height <= HIGHEST_M:
        raise InputError(
            f"support '{text}': the camera's height over the support is {height:g} m; it must lie "
            f"between 0 and {HIGHEST_M:g} m"
        )
    return Support(np.array(up) / norm, UP_SIGMA_RAD, Estimate(height, HEIGHT_SIGMA_M))
