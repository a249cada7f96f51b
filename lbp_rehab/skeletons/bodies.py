"""Whose skeleton of several is followed, and skeletons from numbered markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.skeletons.layouts import Layout

Array = NDArray[np.float64]

# Azure_Kinect_ROS_Driver numbers its markers so: a hundred a body, then the joint.
MARKERS_PER_BODY = 100


@dataclass(frozen=True)
class Body:
    """One person's joints at one instant.

    Attributes
    ----------
    position : ndarray, shape (j, 3)
        In the tracker's unit and axes; zero where the status is unknown.
    status : ndarray of int, shape (j,)
        `Status`.
    visibility : ndarray, shape (j,)
        0 to 1.
    """

    position: Array
    status: NDArray[np.int64]
    visibility: Array

    @classmethod
    def of_points(cls, position: Array, layout: Layout) -> Body:
        """Return a body all of whose joints count as seen but those without three numbers.

        Parameters
        ----------
        position : ndarray, shape (j, 3)
            In the layout's order; not finite, or at the origin: not seen.

        Raises
        ------
        InputError
            If there are more or fewer points than the layout has joints.
        """
        if len(position) != len(layout.joints):
            raise InputError(
                f"{len(position)} points are not the {len(layout.joints)} joints of {layout.name}; "
                "check the parameter 'layout'"
            )
        seen = np.isfinite(position).all(axis=1) & (position != 0.0).any(axis=1)
        status = np.where(seen, int(Status.MEASURED), int(Status.UNKNOWN))
        return cls(np.where(seen[:, None], position, 0.0), status, seen.astype(float))

    @property
    def distance(self) -> float:
        """Of the middle of the body from the tracker; infinite if nothing of it is seen."""
        known = self.status != Status.UNKNOWN
        if not known.any():
            return float("inf")
        return float(np.linalg.norm(self.position[known].mean(axis=0)))


def bodies_of_markers(ids: Sequence[int], position: Array, layout: Layout) -> dict[int, Body]:
    """Return the bodies by their number, from markers with ids of ``100 * body + joint``.

    Parameters
    ----------
    ids : sequence of int
    position : ndarray, shape (n, 3)

    Raises
    ------
    InputError
        If a marker is of a joint that the layout does not have.
    """
    points: dict[int, Array] = {}
    for marker, place in zip(ids, position, strict=True):
        body, joint = divmod(int(marker), MARKERS_PER_BODY)
        if joint >= len(layout.joints):
            raise InputError(
                f"marker {marker} is of joint {joint}, but {layout.name} has "
                f"{len(layout.joints)}; check the parameter 'layout'"
            )
        empty = np.full((len(layout.joints), 3), np.nan)
        points.setdefault(body, empty)[joint] = place
    return {body: Body.of_points(xyz, layout) for body, xyz in points.items()}


class BodyChooser:
    """Follows one body until it is gone, and then the nearest one.

    Attributes
    ----------
    track_id : int
        Counts up each time a person is newly acquired.
    """

    def __init__(self) -> None:
        self._following: int | None = None
        self.track_id = 0

    def choose(self, bodies: Mapping[int, Body]) -> Body | None:
        """Return the body that is followed; None if there is none."""
        seen = {number: body for number, body in bodies.items() if np.isfinite(body.distance)}
        if not seen:
            return None
        if self._following not in seen:
            self._following = min(seen, key=lambda number: (seen[number].distance, number))
            self.track_id += 1
        return seen[self._following]
