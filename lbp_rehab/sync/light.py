"""When a patch of an image lights up: an interval of stamps for each flash.

The instant lies between the last dark and the first bright image. Stamps are taken as the middle of
the exposure: an image counts as bright from half of the flash's height on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import white_tophat

from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

PATCHES_ACROSS = 80  # in a row of an image, for the search
MOST_IMAGES = 6000  # that the search keeps, 60 MB
CANDIDATES = 400
LONGEST_FLASH_S = 0.6  # what lights up for longer is a lamp or somebody who moves
LEAST_STEP = 6.0  # grey levels of 255, mean over the patch
NOISE_STEPS = 8.0  # and so many deviations of the dark patch
LIT, DARK = 0.5, 0.2  # share of the flash's height from which, and up to which, it counts so
_STILL = 0.3  # grey levels by which the mean of a patch changes where nothing moves
_RANK = 3  # the search goes by the third highest rise, which single incidents do not reach

Intervals = NDArray[np.int64]  # (n, 2): not before, not after; nanoseconds
Grey = NDArray[np.float16]


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels; the ends are not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    def mean(self, image: NDArray[np.uint8]) -> float:
        """Return the mean grey level of an image (h, w, 3) in it.

        Raises
        ------
        InputError
            If it does not lie in the image.
        """
        height, width = image.shape[:2]
        if not (0 <= self.x0 < self.x1 <= width and 0 <= self.y0 < self.y1 <= height):
            raise InputError(
                f"the region {self.x0},{self.y0},{self.x1},{self.y1} does not lie in images of "
                f"{width}x{height} pixels; give x0,y0,x1,y1 with x0 < x1 and y0 < y1"
            )
        return float(image[self.y0 : self.y1, self.x0 : self.x1].mean())


class PatchSearch:
    """Brightness of all patches of some images, to find the one that flashes."""

    def __init__(self) -> None:
        self._stamps_ns: list[int] = []
        self._rows: list[Grey] = []
        self._shape = (0, 0)

    def add(self, stamp_ns: int, image: NDArray[np.uint8]) -> None:
        """Take the next image, shape (h, w, 3); those after `MOST_IMAGES` do not count.

        Raises
        ------
        InputError
            If it has another size than those before.
        """
        height, width = image.shape[:2]
        if not self._stamps_ns:
            self._shape = height, width
        elif (height, width) != self._shape:
            raise InputError(
                f"the images change from {self._shape[1]}x{self._shape[0]} to {width}x{height} "
                "pixels; give a recording with one size"
            )
        if len(self._rows) < MOST_IMAGES:
            self._stamps_ns.append(stamp_ns)
            self._rows.append(_patch_means(image, self._size))

    def found(self) -> Iterator[tuple[Region, Intervals]]:
        """Yield the patches that flash and when they do, the likeliest first."""
        if len(self._rows) <= _RANK:
            return
        order = np.argsort(self._stamps_ns, kind="stable")
        stamps_ns = np.array(self._stamps_ns, np.int64)[order]
        series = np.stack(self._rows)[order].astype(np.float32)
        rise = np.diff(_brief(stamps_ns, series), axis=0)
        top = np.partition(rise, len(rise) - _RANK, axis=0)[len(rise) - _RANK]
        score = np.where(top >= LEAST_STEP, top / (np.median(np.abs(rise), axis=0) + _STILL), 0.0)
        for patch in np.argsort(-score, kind="stable")[:CANDIDATES]:
            if score[patch] > 0.0:
                flashes = flash_onsets(stamps_ns, series[:, patch].astype(np.float64))
                yield self._region(int(patch)), flashes

    @property
    def _size(self) -> int:
        return max(2, round(self._shape[1] / PATCHES_ACROSS))

    def _region(self, patch: int) -> Region:
        row, column = divmod(patch, self._shape[1] // self._size)
        x, y = column * self._size, row * self._size
        return Region(x, y, x + self._size, y + self._size)


def _patch_means(image: NDArray[np.uint8], size: int) -> Grey:
    """Return the mean grey level of every square patch, shape (rows * columns,)."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    cut = image[: rows * size, : columns * size].mean(axis=2, dtype=np.float32)
    means = cut.reshape(rows, size, columns, size).mean(axis=(1, 3))
    return means.ravel().astype(np.float16)


def flash_onsets(stamps_ns: NDArray[np.int64], brightness: NDArray[np.float64]) -> Intervals:
    """Return between which stamps each flash began.

    Parameters
    ----------
    stamps_ns : ndarray of int64, shape (n,)
        Of the images, rising.
    brightness : ndarray, shape (n,)
        Mean grey level of a patch, 0 to 255.

    Returns
    -------
    ndarray of int64, shape (m, 2)
        Stamps of the last dark and of the first bright image.
    """
    empty = np.zeros((0, 2), np.int64)
    if len(stamps_ns) < 3:
        return empty
    over = _brief(stamps_ns, brightness[:, None])[:, 0]
    noise = 1.4826 * float(np.median(np.abs(over - np.median(over))))
    least = max(LEAST_STEP, NOISE_STEPS * noise)
    peaks = [over[first:end].max() for first, end in _runs(over >= least)]
    if not peaks:
        return empty
    height = float(np.median(peaks))
    lit, dark = max(LIT * height, least), max(DARK * height, least / 2.0)
    longest_ns = LONGEST_FLASH_S * NANOSECONDS
    found = []
    for first, _ in _runs(over >= lit):
        before = np.flatnonzero(over[:first] < dark)
        # Dark too long ago says nothing: images are missing between.
        if len(before) and stamps_ns[first] - stamps_ns[before[-1]] <= longest_ns:
            found.append((stamps_ns[before[-1]], stamps_ns[first]))
    return np.array(found, np.int64) if found else empty


def _brief(stamps_ns: NDArray[np.int64], series: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what of series (n, c) is brighter for less than `LONGEST_FLASH_S`."""
    frame_ns = max(float(np.median(np.diff(stamps_ns))), 1.0)
    window = max(3, round(LONGEST_FLASH_S * NANOSECONDS / frame_ns))
    size = (min(window, len(series)), 1)
    return np.asarray(white_tophat(series, size=size, mode="nearest"), float)


def _runs(is_on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and end (not included) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_on, [False]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
