"""Keypoint maps: which point of a foreign keypoint model is which of ours, and how to feed it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.paths import config_dir
from lbp_rehab.pose.skeleton import INDEX, NAMES

KINDS = ("simcc", "heatmap", "coordinates")
LAYOUTS = ("nchw", "nhwc")
COLOURS = ("rgb", "bgr")
PLACES = ("xy_pixels", "xy_unit", "yx_unit")
SCORES = ("probability", "logit")
TRUNK = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")  # tell presence, and where the person is up
# ImageNet's, in 0 to 255, which the models of MMPose are trained with.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class KeypointMap:
    """What must be known about a keypoint model besides the file itself.

    Attributes
    ----------
    name : str
        Of the map, for error messages.
    count : int
        Points that the model gives.
    source : ndarray of int, shape (33,)
        Which of them each point of `lbp_rehab.pose.skeleton` is; -1: the model does not know it.
    colour : str
        Order of the channels, one of `COLOURS`.
    mean, std : tuple of float
        Taken off the channels (0 to 255) and divided by, in the order of ``colour``.
    padding : float
        Longer side of the picture that the model sees over the circle round the body.
    layout : str or None
        One of `LAYOUTS`; None: as the model's input shape tells.
    size : tuple of int or None
        Width and height of the input; None: as the model's input shape tells.
    kind : str or None
        One of `KINDS`; None: as the outputs' names and shapes tell.
    places : str
        Of coordinates, one of `PLACES`.
    split_ratio : float or None
        Bins of a SimCC output a pixel; None: as the outputs' shapes tell.
    score : str
        One of `SCORES`.
    min_presence : float
        Least mean score of the trunk's points.
    """

    name: str
    count: int
    source: NDArray[np.int64]
    colour: str = "rgb"
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    padding: float = 1.25
    layout: str | None = None
    size: tuple[int, int] | None = None
    kind: str | None = None
    places: str = "xy_pixels"
    split_ratio: float | None = None
    score: str = "probability"
    min_presence: float = 0.3


def shipped_maps() -> tuple[str, ...]:
    """Return the names of the maps in ``config/keypoints``."""
    return tuple(sorted(path.stem for path in (config_dir() / "keypoints").glob("*.yaml")))


def find_map(count: int) -> KeypointMap:
    """Return the shipped map of a model with so many points; raises InputError without one."""
    maps = [load_map(name) for name in shipped_maps()]
    for found in maps:
        if found.count == count:
            return found
    known = ", ".join(f"{m.count} ({m.name})" for m in maps)
    raise InputError(
        f"the model gives {count} points, for which no keypoint map is shipped; give one, as in "
        f"'onnx:FILE.onnx,MAP.yaml' (shipped are maps for {known})"
    )


def load_map(text: str) -> KeypointMap:
    """Return a map by the name of a shipped one or by its file.

    Raises
    ------
    InputError
        If there is no such map or something in it is wrong.
    """
    shipped = text in shipped_maps()
    path = config_dir() / "keypoints" / f"{text}.yaml" if shipped else Path(text).expanduser()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            f"the keypoint map '{text}' cannot be read; give a YAML file or one of "
            f"{', '.join(shipped_maps())}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path.name}{where}: not valid YAML") from None
    return _Reader(path.name).map(content)


class _Reader:
    """Takes a map's YAML apart; each error names the file and the key."""

    def __init__(self, file: str) -> None:
        self._file = file

    def map(self, content: Any) -> KeypointMap:
        top = self._table("", content, ("count", "keypoints", "input", "output", "min_presence"))
        count = self._number("count", top.get("count"), 1, whole=True)
        put = self._table("input.", top.get("input", {}), _INPUT)
        out = self._table("output.", top.get("output", {}), _OUTPUT)
        size = put.get("size")
        ratio = out.get("simcc_split_ratio")
        return KeypointMap(
            name=Path(self._file).stem,
            count=int(count),
            source=self._source(top.get("keypoints"), int(count)),
            colour=self._choice("input.color", put.get("color", "rgb"), COLOURS),
            mean=self._numbers("input.mean", put.get("mean", MEAN), 3, -math.inf),
            std=self._numbers("input.std", put.get("std", STD), 3, 1e-6),
            padding=self._number("input.padding", put.get("padding", 1.25), 0.5),
            layout=self._choice("input.layout", put["layout"], LAYOUTS)
            if "layout" in put
            else None,
            size=self._size(size) if size is not None else None,
            kind=self._choice("output.kind", out["kind"], KINDS) if "kind" in out else None,
            places=self._choice("output.places", out.get("places", "xy_pixels"), PLACES),
            split_ratio=None
            if ratio is None
            else self._number("output.simcc_split_ratio", ratio, 0.1),
            score=self._choice("output.score", out.get("score", "probability"), SCORES),
            min_presence=self._number("min_presence", top.get("min_presence", 0.3), 0.0),
        )

    def _source(self, keypoints: Any, count: int) -> NDArray[np.int64]:
        table = self._table("keypoints.", keypoints, NAMES)
        source = np.full(len(NAMES), -1)
        for name, value in table.items():
            index = self._number(f"keypoints.{name}", value, 0, whole=True)
            if index >= count:
                raise self._fail(
                    f"keypoints.{name}",
                    f"is {value}, but the model's points go from 0 to {count - 1}",
                )
            if index in source:
                raise self._fail(f"keypoints.{name}", f"is {value}, as another keypoint already is")
            source[INDEX[name]] = index
        for name in TRUNK:
            if name not in table:
                raise self._fail(f"keypoints.{name}", "is missing; the trunk's points are needed")
        return source

    def _table(self, prefix: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
        where = prefix.rstrip(".") or "the file"
        if not isinstance(value, dict):
            raise InputError(f"{self._file}: {where} must be a mapping of keys")
        for key in value:
            if key not in keys:
                raise self._fail(f"{prefix}{key}", f"is unknown; known here are {', '.join(keys)}")
        return value

    def _number(self, key: str, value: Any, low: float, whole: bool = False) -> float:
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value < math.inf:
            wanted = "a whole number" if whole else "a number"
            limit = "" if low == -math.inf else f" of {low:g} or more"
            raise self._fail(key, f"must be {wanted}{limit}")
        return float(value)

    def _numbers(self, key: str, value: Any, n: int, low: float) -> tuple[float, ...]:
        if not isinstance(value, (list, tuple)) or len(value) != n:
            raise self._fail(key, f"must be a list of {n} numbers")
        return tuple(self._number(key, v, low) for v in value)

    def _size(self, value: Any) -> tuple[int, int]:
        width, height = self._numbers("input.size", value, 2, 8)
        return int(width), int(height)

    def _choice(self, key: str, value: Any, choices: tuple[str, ...]) -> str:
        if value not in choices:
            raise self._fail(key, f"is '{value}'; choose one of {', '.join(choices)}")
        return str(value)

    def _fail(self, key: str, problem: str) -> InputError:
        return InputError(f"{self._file}: key '{key}' {problem}")


_INPUT = ("color", "mean", "std", "padding", "layout", "size")
_OUTPUT = ("kind", "places", "simcc_split_ratio", "score")
