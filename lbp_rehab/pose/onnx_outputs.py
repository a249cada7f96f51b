"""What a keypoint model's outputs say: SimCC (RTMPose), heatmaps or plain coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lbp_rehab.errors import InputError
from lbp_rehab.pose.keypoint_maps import KeypointMap

Array = NDArray[Any]

SIMCC_SHARPNESS = 10.0  # of the softmax over a SimCC output: beta of RTMPose's training loss


@dataclass(frozen=True)
class Decoded:
    """What the outputs say of k points.

    Attributes
    ----------
    point : ndarray, shape (k, 2)
        In pixels of the model's input.
    score : ndarray, shape (k,)
        0 to 1.
    spread : ndarray, shape (k, 3), or None
        Second moments xx, xy and yy about the point, in squared pixels of the input.
    """

    point: NDArray[np.float64]
    score: NDArray[np.float64]
    spread: NDArray[np.float64] | None


@dataclass(frozen=True)
class Outputs:
    """How a model's outputs are read.

    Attributes
    ----------
    kind : str
        One of `lbp_rehab.pose.keypoint_maps.KINDS`.
    count : int
        Points.
    size : tuple of int
        Width and height of the model's input.
    swapped : bool
        Of SimCC: the rows come first. Of heatmaps: the points are the last axis.
    ratio : float
        Of SimCC: bins a pixel.
    """

    kind: str
    count: int
    size: tuple[int, int]
    swapped: bool = False
    ratio: float = 1.0

    @classmethod
    def recognise(
        cls,
        names: list[str],
        shapes: list[tuple[int, ...]],
        size: tuple[int, int],
        channels_first: bool,
        keypoints: KeypointMap | None,
    ) -> Outputs:
        """Tell the kind by what the map states, or by names and shapes.

        Raises
        ------
        InputError
            If they fit no kind, or not the stated one.
        """
        kind = keypoints.kind if keypoints else None
        found = [
            cls._as_simcc(names, shapes, size, keypoints.split_ratio if keypoints else None),
            cls._as_heatmaps(shapes, size, channels_first),
            cls._as_coordinates(shapes, size),
        ]
        for one in found:
            if one and kind in (None, one.kind):
                return one
        shown = ", ".join(f"{n} {s}" for n, s in zip(names, shapes, strict=True))
        wanted = f"those of {kind}" if kind else "SimCC, heatmaps or coordinates"
        raise InputError(
            f"the model's outputs are {shown}, not {wanted} of one person; docs/backends.md lists "
            "what can be read"
        )

    @classmethod
    def _as_simcc(
        cls,
        names: list[str],
        shapes: list[tuple[int, ...]],
        size: tuple[int, int],
        ratio: float | None,
    ) -> Outputs | None:
        if len(shapes) != 2 or any(len(s) != 3 or s[0] != 1 for s in shapes):
            return None
        swapped = names == ["simcc_y", "simcc_x"]
        x, y = reversed(shapes) if swapped else shapes
        ratio = ratio or x[2] / size[0]
        fits = (x[2], y[2]) == (round(size[0] * ratio), round(size[1] * ratio))
        if not fits or ratio < 1.0 or x[1] != y[1]:
            return None
        return cls("simcc", x[1], size, swapped, ratio)

    @classmethod
    def _as_heatmaps(
        cls, shapes: list[tuple[int, ...]], size: tuple[int, int], channels_first: bool
    ) -> Outputs | None:
        if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][0] != 1:
            return None
        count = shapes[0][1 if channels_first else 3]
        height, width = shapes[0][2:] if channels_first else shapes[0][1:3]
        if width * size[1] != height * size[0]:
            return None
        return cls("heatmap", count, size, swapped=not channels_first)

    @classmethod
    def _as_coordinates(
        cls, shapes: list[tuple[int, ...]], size: tuple[int, int]
    ) -> Outputs | None:
        *lead, count, numbers = (0, 0, *shapes[0])[-4:]
        if any(n > 1 for n in lead) or numbers not in (2, 3):
            return None
        if len(shapes) > 2 or (len(shapes) == 2 and (shapes[1] != (1, count) or numbers != 2)):
            return None
        return cls("coordinates", count, size)

    def decode(self, outputs: list[Array], keypoints: KeypointMap, reach: float) -> Decoded:
        """Read the outputs.

        Parameters
        ----------
        outputs : list of ndarray
            Of one run.
        keypoints : KeypointMap
            Says what scores and coordinates mean.
        reach : float
            How far from a point its spread is measured, in pixels of the input.
        """
        probability = expit if keypoints.score == "logit" else _clipped
        if self.kind == "coordinates":
            point, score = self._coordinates(outputs, keypoints.places)
            return Decoded(point, probability(score), None)
        if self.kind == "simcc":
            x, y = reversed(outputs) if self.swapped else outputs
            found = self._simcc(x[0].astype(np.float64), y[0].astype(np.float64), reach)
            return Decoded(found.point, probability(found.score), found.spread)
        maps = outputs[0][0].transpose(2, 0, 1) if self.swapped else outputs[0][0]
        return self._heatmaps(probability(maps.astype(np.float64)), reach)

    def _simcc(self, x: Array, y: Array, reach: float) -> Decoded:
        """Read SimCC (Li et al. 2022): bins along each side, shapes (k, nx) and (k, ny)."""
        at = np.column_stack([x.argmax(axis=1), y.argmax(axis=1)])
        score = np.minimum(x.max(axis=1), y.max(axis=1))  # as MMPose scores them
        xx, yy = (
            _moment(bins, at[:, axis], reach * self.ratio) for axis, bins in enumerate((x, y))
        )
        spread = np.column_stack([xx, np.zeros(self.count), yy]) / self.ratio**2
        return Decoded(at / self.ratio, score, spread)

    def _heatmaps(self, maps: Array, reach: float) -> Decoded:
        """Read heatmaps, shape (k, h, w): the peak, a quarter of a cell to its higher neighbour.

        The quarter is that of Newell et al. 2016, as in HRNet's published code; cell i shows pixel
        i * stride.
        """
        _, height, width = maps.shape
        each = np.arange(self.count)
        row, column = np.divmod(maps.reshape(self.count, -1).argmax(axis=1), width)
        score = maps[each, row, column]
        # Outside the map the slope is unknown, and the peak stays where it is.
        edge = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
        right = edge[each, row + 1, column + 2] - edge[each, row + 1, column]
        below = edge[each, row + 2, column + 1] - edge[each, row, column + 1]
        cell = np.column_stack([column, row]) + 0.25 * np.sign(
            np.nan_to_num(np.column_stack([right, below]))
        )
        stride = np.array([self.size[0] / width, self.size[1] / height])
        dx = (np.arange(width) - cell[:, :1]) * stride[0]
        dy = (np.arange(height) - cell[:, 1:]) * stride[1]
        near = (np.abs(dy) <= reach)[:, :, None] & (np.abs(dx) <= reach)[:, None, :]
        weight = maps * near
        weight /= np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1e-9)
        spread = [
            (weight.sum(axis=1) * dx**2).sum(axis=1),
            np.einsum("khw,kh,kw->k", weight, dy, dx),
            (weight.sum(axis=2) * dy**2).sum(axis=1),
        ]
        return Decoded(cell * stride, score, np.column_stack(spread))

    def _coordinates(self, outputs: list[Array], places: str) -> tuple[Array, Array]:
        """Read coordinates with a score as third number or second output, or without (1)."""
        values = outputs[0].reshape(self.count, -1).astype(np.float64)
        point = values[:, 1::-1] if places == "yx_unit" else values[:, :2]
        if places != "xy_pixels":
            point = point * self.size
        score = values[:, 2] if values.shape[1] == 3 else np.ones(self.count)
        if len(outputs) == 2:
            score = outputs[1].reshape(self.count).astype(np.float64)
        return point, score


def _clipped(values: Array) -> Array:
    return np.clip(values, 0.0, 1.0)


def _moment(bins: Array, at: Array, reach: float) -> Array:
    """Return the second moment about bins ``at`` of the softmax near them, shape (k,)."""
    offset = np.arange(bins.shape[1]) - at[:, None]
    weight = np.exp(SIMCC_SHARPNESS * (bins - bins.max(axis=1, keepdims=True)))
    weight *= np.abs(offset) <= reach
    return np.asarray((weight * offset**2).sum(axis=1) / weight.sum(axis=1))
