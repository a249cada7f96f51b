"""The text and the hash of an installed message type, as rosbag2 stores them in a bag.

Messages of services and actions, which have no file of their own, are described in the same form,
so that any reader of bags can decode what was asked and answered.
"""

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

from rosbags.interfaces import Qos

from lbp_rehab.bags.metadata import Topic

# As rosbag2_cpp's LocalMessageDefinitionSource joins a definition with those it needs.
SEPARATOR = "=" * 80 + "\nMSG: "
BUILT_IN = {"bool", "byte", "char", "float32", "float64", "string", "wstring"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_TYPE_NAME = re.compile(r"(?P<package>\w+)/(?:(?:msg|srv|action)/)?(?P<name>\w+)")
_FIELD = re.compile(r"^[ \t]*(?P<type>[A-Za-z][\w/]*)[\[\]<=\d]*[ \t]+[A-Za-z]", re.MULTILINE)

# What rosidl makes of a file, by the end of the type's name: the number of a section, or fields,
# in which {0} is the package and the name of the file.
_EVENT = (
    "service_msgs/ServiceEventInfo info\n{0}_Request[<=1] request\n{0}_Response[<=1] response\n"
)
_OF_SERVICE: dict[str, int | str] = {"_Request": 0, "_Response": 1, "_Event": _EVENT}
_GOAL_ID = "unique_identifier_msgs/UUID goal_id\n"
_OF_ACTION: dict[str, int | str] = {
    "_Goal": 0,
    "_Result": 1,
    "_SendGoal_Request": _GOAL_ID + "{0}_Goal goal\n",
    "_SendGoal_Response": "bool accepted\nbuiltin_interfaces/Time stamp\n",
    "_SendGoal_Event": _EVENT.replace("{0}", "{0}_SendGoal"),
    "_GetResult_Request": _GOAL_ID,
    "_GetResult_Response": "int8 status\n{0}_Result result\n",
    "_GetResult_Event": _EVENT.replace("{0}", "{0}_GetResult"),
}
_EMPTY = "uint8 structure_needs_at_least_one_member\n"  # what rosidl puts into one


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
        REP-2011 hash, ``RIHS01_`` and 64 hexadecimal digits; empty when not installed, and of the
        messages of services and actions: a ``.msg`` text can't say in which namespace they are, and
        rosbags opens no bag in which a text and its hash differ.
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
        Such as ``sensor_msgs/msg/Image`` or ``lbp_rehab/srv/CalibrateNeutral_Event``.
    where : iterable of Path, optional
        Install prefixes; default: those of `prefixes`.

    Returns
    -------
    Definition
        Empty where the type is not installed.
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


def topic(name: str, kind: str, qos: tuple[Qos, ...] = ()) -> Topic:
    """Return a topic of an installed type, as a bag describes it."""
    known = installed(kind)
    return Topic(name, kind, known.text, known.encoding, known.type_hash, qos)


def message_class(type_name: str) -> type[Any] | None:
    """Return the Python class of an installed message type, or None."""
    package, _, rest = type_name.partition("/")
    kind, _, name = rest.rpartition("/")
    try:
        return getattr(import_module(f"{package}.{kind or 'msg'}"), name, None)
    except ImportError:
        return None


def _find(name: str, suffix: str, folders: list[Path]) -> Path | None:
    """Return an installed file of ``PACKAGE/NAME``; its folder is named like its ending."""
    package, short = name.split("/")
    kind, ending = suffix.split(".")
    paths = (folder / "share" / package / kind / f"{short}.{ending}" for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _text(name: str, folders: list[Path]) -> str | None:
    """Return the definition of a type alone; None if it is not installed."""
    if path := _find(name, "msg.msg", folders):
        return path.read_text(encoding="utf-8")
    for kind, endings in (("srv", _OF_SERVICE), ("action", _OF_ACTION)):
        for ending, part in endings.items():
            whole = name.removesuffix(ending)
            if whole == name or (path := _find(whole, f"{kind}.{kind}", folders)) is None:
                continue
            if isinstance(part, str):
                return part.format(whole)
            sections = re.split(r"^---$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            text = sections[part].strip("\n") + "\n"
            return text if _FIELD.search(_without_comments(text)) else text + _EMPTY
    return None


def _collect(name: str, folders: list[Path], texts: dict[str, str]) -> dict[str, str] | None:
    """Add the text of a type, then of those it contains, depth first; None if one is missing."""
    text = _text(name, folders)
    if text is None:
        return None
    texts[name] = text
    for needed in sorted(_contained(text, name.partition("/")[0])):
        if needed not in texts and _collect(needed, folders, texts) is None:
            return None
    return texts


def _contained(text: str, package: str) -> set[str]:
    kinds = {match["type"] for match in _FIELD.finditer(_without_comments(text))} - BUILT_IN
    return {kind if "/" in kind else f"{package}/{kind}" for kind in kinds}


def _without_comments(text: str) -> str:
    return re.sub(r"#.*", "", text)


def _type_hash(name: str, folders: list[Path]) -> str:
    path = _find(name, "msg.json", folders)
    if path is None:
        return ""
    package, short = name.split("/")
    hashes = json.loads(path.read_text(encoding="utf-8")).get("type_hashes", [])
    full = f"{package}/msg/{short}"
    return next((str(row["hash_string"]) for row in hashes if row["type_name"] == full), "")
