"""From a tracker's axes to those of a camera's optical frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError

Array = NDArray[np.float64]

UPS = ("x", "-x", "y", "-y", "z", "-z")


def optical_axes(up: str, left_handed: bool = False) -> Array:
    """Return the rotation from a tracker's axes to optical ones (x right, y down, z forward).

    Forward is the tracker's z, as of Kinect and of every camera; where z is up or down it is x, as
    in REP-103. No angle that is scored depends on that choice but the absolute rotation of the
    pelvis.

    Parameters
    ----------
    up : str
        One of `UPS`: the tracker's axis against gravity.
    left_handed : bool
        Whether the tracker's axes are left-handed, as Unity's are; a level one is turned round.

    Returns
    -------
    ndarray, shape (3, 3)
        ``optical = rotation @ tracker``.

    Raises
    ------
    InputError
        If there is no such axis.
    """
    if up not in UPS:
        raise InputError(f"up is '{up}'; choose one of {', '.join(UPS)}")
    axis = "xyz".index(up[-1])
    down = np.zeros(3)
    down[axis] = 1.0 if up.startswith("-") else -1.0
    forward = np.eye(3)[0 if axis == 2 else 2]
    rotation = np.stack([np.cross(down, forward), down, forward])
    if left_handed:
        rotation[:, 1 if axis == 0 else 0] *= -1.0
    return rotation
