"""A message as a flat table of named values, whatever its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.stamps import NANOSECONDS

# What names an element of a list, in this order; without it, its place does. SubScore has a kind,
# markers a namespace, and a muscle goes by its channel.
KEYS = ("name", "ns", "id", "label", "key", "child_frame_id", "kind")
UNKNOWN = 0  # of Estimate.status and Keypoint.status
STILL_KNOWN = ("name", "status", "reason", "visibility")
ANGLES = ("tilt", "obliquity", "rotation", "lumbar_flexion")  # of PelvisState, radians
TIMES = ("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a message, nanoseconds."""

    ns: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """A quaternion in a message: x, y, z, w. It and its negative are the same rotation."""

    xyzw: tuple[float, float, float, float]


Leaf = int | float | bool | str | bytes | Moment | Rotation | NDArray[Any]


def flatten(message: Any, within: frozenset[str] | None = None) -> dict[str, Leaf]:
    """Return the values of a message decoded by rosbags, by path.

    Elements of a list go by their name: ``keypoints[l_hip].position.x``,
    ``faults[pelvis_drops].measured.value``. Where a status says that a value is unknown, the
    numbers beside it are left out: they mean nothing. A list's length is ``keypoints.length``.

    Parameters
    ----------
    message : object
    within : frozenset of str, optional
        Only these and what stands in them, as `branches` gives them; default all.
    """
    leaves: dict[str, Leaf] = {}
    _walk("", message, leaves, within)
    return leaves


def branches(paths: Collection[str]) -> frozenset[str]:
    """Return the paths and all that they go through."""
    through = {path[:k] for path in paths for k, letter in enumerate(path) if letter in ".["}
    return frozenset(through.union(paths))


def _walk(path: str, value: Any, leaves: dict[str, Leaf], within: frozenset[str] | None) -> None:
    if isinstance(value, (int, float, str, bytes, np.ndarray)):
        leaves[path] = value
    elif isinstance(value, list):
        leaves[f"{path}.length"] = len(value)
        if value and isinstance(value[0], str):
            leaves[path] = ", ".join(value)
            return
        for name, element in zip(_names(value), value, strict=True):
            if within is None or f"{path}[{name}]" in within:
                _walk(f"{path}[{name}]", element, leaves, within)
    elif (kind := value.__msgtype__) in TIMES:
        leaves[path] = Moment(value.sec * NANOSECONDS + value.nanosec)
    elif kind == "geometry_msgs/msg/Quaternion":
        leaves[path] = Rotation((value.x, value.y, value.z, value.w))
    else:
        names = _fields(value.__class__)
        if "status" in names and value.status == UNKNOWN and "reason" in names:
            names = tuple(n for n in names if n in STILL_KNOWN)
        dot = f"{path}." if path else ""
        for name in names:
            if within is None or dot + name in within:
                _walk(dot + name, getattr(value, name), leaves, within)


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(n for n in kind.__dataclass_fields__ if n != "__msgtype__")


def _names(elements: list[Any]) -> list[str]:
    """Return what the elements of a list are called: their names if all differ, else places."""
    keys = _keys(elements[0].__class__) if elements else ()
    for key in keys:
        found = [_key(e, key) for e in elements]
        if all(found) and len(set(found)) == len(found):
            return [str(name) for name in found]
    places = Counter[str]()
    names = []
    for element in elements:  # such as two equal faults in one repetition
        name = next((n for k in keys if (n := _key(element, k))), "")
        names.append(f"{name}:{places[name]}" if name else str(places[name]))
        places[name] += 1
    return names


@cache
def _keys(kind: Any) -> tuple[str, ...]:
    fields = _fields(kind)
    return KEYS if "channel" in fields else tuple(key for key in KEYS if key in fields)


def _key(element: Any, key: str) -> str:
    value = getattr(element, key, None)
    if value is None and hasattr(element, "channel"):
        value = getattr(element.channel, key, None)
    if isinstance(value, int):
        return constant(element, key, value).lower()
    return value if isinstance(value, str) else ""


def constant(message: Any, field: str, value: int) -> str:
    """Return the name of a field's constant, such as ``GRADE_GOOD`` as ``GOOD``; else the number.

    Constants are called after their field by convention; a type with one such field leaves the
    field's name out, as ``Estimate`` does with its status.
    """
    return _constants(message.__class__).get(field, {}).get(value, str(value))


@cache
def _constants(kind: Any) -> dict[str, dict[int, str]]:
    found = {
        name: value
        for name, value in vars(kind).items()
        if name.isupper() and isinstance(value, int) and not name.startswith("_")
    }
    fields = _fields(kind)
    by_field: dict[str, dict[int, str]] = {name: {} for name in fields}
    for name, value in found.items():
        owner = next((f for f in fields if name.startswith(f.upper() + "_")), None)
        if owner is not None:
            by_field[owner].setdefault(value, name[len(owner) + 1 :])
        else:
            for free in ("status", "level", "kind"):
                if free in fields:
                    by_field[free].setdefault(value, name)
    return by_field


def sigma_path(path: str) -> str | None:
    """Return where the 1-sigma of a value is, by the conventions of our messages."""
    if path.endswith(".value"):
        return path.removesuffix("value") + "sigma"
    owner, _, last = path.rpartition(".")
    if last in "xyz" and owner.endswith("].position"):
        return owner.removesuffix("position") + "sigma_m"
    return None


def angular(path: str) -> bool:
    """Whether a field of our messages is an angle."""
    return path.partition(".")[0].removesuffix("_relative") in ANGLES
