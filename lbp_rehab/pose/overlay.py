"""Drawing a pose into its colour image, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.pose.skeleton import DRAWN
from lbp_rehab.pose.types import BodyPose

# RGB; blue and orange are told apart by every kind of colour vision.
LEFT = (30, 120, 255)
RIGHT = (255, 140, 0)
MIDDLE = (240, 240, 240)
OUTLINE = (20, 20, 20)


def draw(
    image: NDArray[np.uint8],
    pose: BodyPose,
    caption: str = "",
    colour: tuple[int, int, int] | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of the RGB image with the skeleton drawn in.

    Left is blue, right is orange, unless one colour is given for all. A filled dot was measured, a
    ring was inferred or held.
    """
    out = image.copy()
    scale = max(image.shape[1] / 640.0, 0.5)
    known = pose.status != Status.UNKNOWN
    pixel = np.round(pose.pixel).astype(int)
    for a, b in DRAWN:
        if a not in pose.names or b not in pose.names:
            continue
        i, j = pose.names.index(a), pose.names.index(b)
        if known[i] and known[j]:
            ends = (tuple(pixel[i].tolist()), tuple(pixel[j].tolist()))
            cv2.line(out, *ends, OUTLINE, round(5 * scale), cv2.LINE_AA)
            cv2.line(out, *ends, colour or _colour(a, b), max(round(2.5 * scale), 1), cv2.LINE_AA)
    for i, name in enumerate(pose.names):
        if known[i]:
            centre = tuple(pixel[i].tolist())
            filled = cv2.FILLED if pose.status[i] == Status.MEASURED else 1
            cv2.circle(out, centre, round(3.5 * scale), OUTLINE, 2, cv2.LINE_AA)
            dot = colour or _colour(name, name)
            cv2.circle(out, centre, round(3 * scale), dot, filled, cv2.LINE_AA)
    if caption:
        write(out, caption, (8, round(22 * scale)), 0.55 * scale)
    return out


def write(image: NDArray[np.uint8], text: str, at: tuple[int, int], size: float) -> None:
    """Write light text on a dark box into the image; ``at`` is the left end of its baseline."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), below = cv2.getTextSize(text, font, size, 1)
    x, y = at
    box = ((x - 4, y - height - 4), (x + width + 4, y + below + 2))
    cv2.rectangle(image, *box, OUTLINE, cv2.FILLED)
    cv2.putText(image, text, at, font, size, MIDDLE, 1, cv2.LINE_AA)


def _colour(a: str, b: str) -> tuple[int, int, int]:
    if a.startswith("l_") and b.startswith("l_"):
        return LEFT
    if a.startswith("r_") and b.startswith("r_"):
        return RIGHT
    return MIDDLE
