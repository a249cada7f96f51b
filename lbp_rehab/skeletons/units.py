"""Unit of a skeleton's coordinates, told or from the size of the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.skeletons.layouts import Layout

Array = NDArray[np.float64]

UNITS = {"m": 1.0, "mm": 1e-3}
# Shoulders to hips: of a small child up to more than that of the tallest adults. Trackers draw it
# too short when they see a part of the body only.
TRUNK_M = (0.15, 0.9)
ENOUGH = 5  # frames with a trunk, for a guess
TRUNK = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")


def guess_unit(layout: Layout, position: Array, known: NDArray[np.bool_], file: str) -> str:
    """Return the unit in which the trunk has the length of a person's.

    Parameters
    ----------
    layout : Layout
    position : ndarray, shape (n, j, 3)
        In the file's unit.
    known : ndarray of bool, shape (n, j)
    file : str
        Name for error messages.

    Raises
    ------
    InputError
        If the trunk is of no person's length, or hardly ever known, or the points are flat.
    """
    index = [layout.joints.index(layout.points[name]) for name in TRUNK]
    whole = known[:, index].all(axis=1)
    if int(whole.sum()) < ENOUGH:
        raise InputError(
            f"{file} shows shoulders and hips together in {int(whole.sum())} rows, too few to see "
            "in what unit it is; give --unit m or --unit mm"
        )
    points = position[whole][:, index]
    trunk = points[:, :2].mean(axis=1) - points[:, 2:].mean(axis=1)
    length = float(np.median(np.linalg.norm(trunk, axis=1)))
    if not np.ptp(position[known], axis=0).all():
        raise InputError(f"{file} is flat: one of x, y, z never changes; 3D joints are needed")
    if _is_fraction(position[known]):
        raise InputError(
            f"all x and y in {file} lie between 0 and 1, as places in an image do; give the 3D "
            "(world) points, or --unit m if these are metres"
        )
    for unit, metres in UNITS.items():
        if TRUNK_M[0] <= length * metres <= TRUNK_M[1]:
            return unit
    raise InputError(
        f"the trunk in {file} is {length:g} long, which is no person's in m or mm; give --unit, or "
        "check the layout"
    )


def _is_fraction(points: Array) -> bool:
    across = points[:, :2]
    return bool((across >= 0.0).all() and (across <= 1.0).all())
