"""The text and the hash of an installed message type, as rosbag2 stores them in a bag."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

# As rosbag2_cpp's LocalMessageDefinitionSource joins a definition with those it needs.
SEPARATOR = "=" * 80 + "\nMSG: "
BUILT_IN = {"bool", "byte", "char", "float32", "float64", "string", "wstring"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_TYPE_NAME = re.compile(r"(?P<package>\w+)/(?:msg/)?(?P<name>\w+)")
_FIELD = re.compile(r"^[ \t]*(?P<type>[A-Za-z][\w/]*)[\[\]<=\d]*[ \t]+[A-Za-z]", re.MULTILINE)


@dataclass(frozen=True)
class Definition:
    """What a bag says of a message type.

    Attributes
    ----------
    text : str
        The ``.msg`` files of the type and of all it contains, joined as rosbag2 joins them; empty
        when no ``.msg`` file is installed.
    encoding : str
        MCAP schema encoding: ``ros2msg``, or empty with an empty text.
    type_hash : str
        REP-2011 hash, ``RIHS01_`` and 64 hexadecimal digits; empty when not installed.
    """

    text: str = ""
    encoding: str = ""
    type_hash: str = ""


def prefixes() -> list[Path]:
    """Return where packages are installed: the ROS prefixes, then this Python's own prefix."""
    listed = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return [Path(entry) for entry in [*listed, sys.prefix] if entry]


def installed(type_name: str, where: Iterable[Path] | None = None) -> Definition:
    """Return the definition of an installed type.

    Parameters
    ----------
    type_name : str
        Such as ``sensor_msgs/msg/Image``.
    where : iterable of Path, optional
        Install prefixes; default: those of `prefixes`.

    Returns
    -------
    Definition
        Empty where the type is not a plain message or is not installed.
    """
    folders = list(where) if where is not None else prefixes()
    match = _TYPE_NAME.fullmatch(type_name)
    if match is None:
        return Definition()
    root = f"{match['package']}/{match['name']}"
    texts = _collect(root, folders, {})
    if texts is None:
        return Definition(type_hash=_type_hash(root, folders))
    parts = [text if name == root else f"{SEPARATOR}{name}\n{text}" for name, text in texts.items()]
    return Definition("\n".join(parts), "ros2msg", _type_hash(root, folders))


def message_class(type_name: str) -> type[Any] | None:
    """Return the Python class of an installed message type, or None."""
    package, _, rest = type_name.partition("/")
    try:
        return getattr(import_module(f"{package}.msg"), rest.rpartition("/")[2], None)
    except ImportError:
        return None


def _find(name: str, suffix: str, folders: list[Path]) -> Path | None:
    package, short = name.split("/")
    paths = (folder / "share" / package / "msg" / (short + suffix) for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _collect(name: str, folders: list[Path], texts: dict[str, str]) -> dict[str, str] | None:
    """Add the text of a type, then of those it contains, depth first; None if one is missing."""
    path = _find(name, ".msg", folders)
    if path is None:
        return None
    texts[name] = path.read_text(encoding="utf-8")
    for needed in sorted(_contained(texts[name], name.partition("/")[0])):
        if needed not in texts and _collect(needed, folders, texts) is None:
            return None
    return texts


def _contained(text: str, package: str) -> set[str]:
    without_comments = re.sub(r"#.*", "", text)
    kinds = {match["type"] for match in _FIELD.finditer(without_comments)} - BUILT_IN
    return {kind if "/" in kind else f"{package}/{kind}" for kind in kinds}


def _type_hash(name: str, folders: list[Path]) -> str:
    path = _find(name, ".json", folders)
    if path is None:
        return ""
    package, short = name.split("/")
    hashes = json.loads(path.read_text(encoding="utf-8")).get("type_hashes", [])
    full = f"{package}/msg/{short}"
    return next((str(row["hash_string"]) for row in hashes if row["type_name"] == full), "")
