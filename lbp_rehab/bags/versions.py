"""Messages of older versions of their types, as the installed version has them.

A bag holds the text of its types, so that an old layout can be read. Fields are taken over by name;
what a newer version has beside them comes from `SUPPLIED`, by the RIHS01 hash of the old one.
Where neither has a field, the topic cannot be converted, and the error says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.errors import InputError

Converter = Callable[[Any], Any]

# Constants of Estimate.msg and PelvisState.msg.
_UNKNOWN = 0
_REASON_TOO_UNCERTAIN, _REASON_MISSING_INPUT = 8, 9
_NEUTRAL_NONE, _NEUTRAL_CALIBRATED = 0, 2
_NO_LIMIT = 1e300  # an old fault's limit where there was none


@dataclass(frozen=True)
class Supply:
    """What an old version of a message type lacks.

    Attributes
    ----------
    added : mapping of str to value
        For fields that it does not have; messages as mappings.
    changed : mapping of str to callable
        Fields of another meaning, made from the old message; they win.
    """

    added: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, Converter] = field(default_factory=dict)


def _unknown(reason: int = _REASON_MISSING_INPUT) -> dict[str, Any]:
    """Return an Estimate that nobody made."""
    return {"status": _UNKNOWN, "reason": reason, "value": 0.0, "sigma": 0.0}


_OF_NO_SESSION = Supply({"session_id": "", "set_index": 0})
_BODY_POSE = Supply(
    {
        "image_width": 0,
        "image_height": 0,
        # The old height came without its sigma.
        "support_height": _unknown(_REASON_TOO_UNCERTAIN),
    }
)
_FAULT = Supply(
    changed={
        "has_min": lambda old: old.allowed_min > -_NO_LIMIT,
        "has_max": lambda old: old.allowed_max < _NO_LIMIT,
        "allowed_min": lambda old: old.allowed_min if old.allowed_min > -_NO_LIMIT else 0.0,
        "allowed_max": lambda old: old.allowed_max if old.allowed_max < _NO_LIMIT else 0.0,
    }
)
_PELVIS_STATE = Supply(
    {"track_id": 0},
    {"neutral_source": lambda old: _NEUTRAL_CALIBRATED if old.neutral_known else _NEUTRAL_NONE},
)
_REPETITION = Supply(
    {
        "session_id": "",
        "set_index": 0,
        "not_assessed": [],
        "own_best_similarity": _unknown(),
        "demonstration_similarity": _unknown(),
        "similarity_left_out": [],
    }
)

_BREATH = Supply({"depth": _unknown()})
_EMG_CHANNEL = Supply({"unit": "V"})  # there was no other

# The hash covers the type's name.
SUPPLIED: dict[str, Supply] = {
    "RIHS01_9c4f73c5e737a0efcae7e7567d06c5ebdec1efb14cc0f36c8d5f3adbe07614f8": _BODY_POSE,
    "RIHS01_90d04519622f616ad21930371d704a179e6905c1cad40f3bdca9df8c26375fe8": _BODY_POSE,
    "RIHS01_0ef8e427e3895d3336cb02eff7212066f00acce382c9740ec8cf1ff56859e5f7": _BREATH,
    "RIHS01_9c94912c36d0aa2367323465b8031f295139512f473572cf811ab96a024c6cdd": _OF_NO_SESSION,
    "RIHS01_9160e28a8954c38d19be33d4bfcedf25f6ecc5e1491a3a509d26c7fce3809ead": _EMG_CHANNEL,
    "RIHS01_c042d51fa272832ae4e968c8aebdd92888c8e4f340d285e5c2665d27dd7239b1": _FAULT,
    "RIHS01_47ef0a0c12e0da1e8f02b85582b267c4ed5915e317e0a082c4c77d1196f2817b": _PELVIS_STATE,
    "RIHS01_5516821bd793724db0462b680844894ec9c90ffdb9430161394fc0fc23d977ca": _OF_NO_SESSION,
    "RIHS01_1640fc22f66763b8129593122268dd3ba5072935dac305cc8cfd8eeaf08cde44": _REPETITION,
    "RIHS01_bec30ea0c917689354e1aee0d728a9c8d3e33dc71b55683ee5c0b8b7db1a89e4": _REPETITION,
    "RIHS01_ab6f84ea248847c0e809e6899fce6e69dcc5b1895478472081d263a90a8050b7": _REPETITION,
    "RIHS01_4283a9c84976b17d791820d291d0a83b36bf474e91a1cafb01c1e9e8df791296": _REPETITION,
}


def converter(topic: Topic) -> Callable[[bytes], bytes] | None:
    """Return what brings a topic's messages to the installed version of their type.

    Parameters
    ----------
    topic : Topic
        As the bag describes it.

    Returns
    -------
    callable or None
        Of serialised messages; it raises any error on damaged ones. None where nothing is to be
        done: the versions are the same, the type is not installed, or the bag says nothing of its
        version.

    Raises
    ------
    InputError
        If the version is another and cannot be converted.
    """
    known = installed(topic.type)
    if not known.text or (topic.type_hash and topic.type_hash == known.type_hash):
        return None
    old = _store(topic.type, topic.definition) if topic.encoding == "ros2msg" else None
    if old is None:
        if topic.type_hash and known.type_hash:
            raise InputError(
                f"it was recorded with another version of {topic.type}, and the bag does not hold "
                "the definition of that version"
            )
        return None
    new = _store(topic.type, known.text)
    if new is None or old.hash_rihs01(topic.type) == new.hash_rihs01(topic.type):
        return None
    plan = _Plan(old, new)
    convert = plan.message(topic.type, "")
    if plan.missing:
        raise InputError(
            f"it was recorded with another version of {topic.type}, which lacks "
            f"{', '.join(plan.missing)}"
        )

    def converted(data: bytes) -> bytes:
        message = convert(old.deserialize_cdr(data, topic.type))
        return bytes(new.serialize_cdr(message, topic.type))

    return converted


def _store(type_name: str, definition: str) -> Typestore | None:
    """Return a store of a type and all that it contains; None if it cannot be understood."""
    if not definition:
        return None
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(definition, type_name))
        store.hash_rihs01(type_name)
    except Exception:  # damaged text causes errors of any kind in the parser
        return None
    return store


class _Plan:
    """How messages of the types of one store become those of another.

    Attributes
    ----------
    missing : list of str
        The fields that cannot be made.
    """

    def __init__(self, old: Typestore, new: Typestore) -> None:
        self._old, self._new = old, new
        self.missing: list[str] = []

    def message(self, type_name: str, place: str) -> Converter:
        """Return the conversion of a message that stands at a place of another."""
        supply = SUPPLIED.get(self._old.hash_rihs01(type_name), Supply())
        old_fields = dict(self._old.fielddefs[type_name][1])
        fields: dict[str, Converter] = {}  # of the old message
        for name, kind in self._new.fielddefs[type_name][1]:
            convert: Converter | None = None
            if name in supply.changed:
                convert = supply.changed[name]
            elif name in old_fields:
                convert = self._field(name, old_fields[name], kind, f"{place}{name}")
            elif name in supply.added:
                convert = _constant(_built(supply.added[name], kind, self._new))
            if convert is None:
                self.missing.append(place + name)
            else:
                fields[name] = convert
        make = self._new.types[type_name]
        return lambda message: make(**{n: convert(message) for n, convert in fields.items()})

    def _field(self, name: str, was: Any, kind: Any, place: str) -> Converter | None:
        """Return what takes a field over; None if its old form does not fit the new one."""
        take = attrgetter(name)
        if was == kind and not _holds_message(kind):
            return take
        if was[0] != kind[0]:
            return None
        if kind[0] == Nodetype.BASE:
            return take if _fits(was, kind) else None
        if kind[0] == Nodetype.NAME:
            if was[1] != kind[1]:
                return None
            inner = self.message(kind[1], f"{place}.")
            return lambda message: inner(take(message))
        (was_item, was_length), (item, length) = was[1], kind[1]
        # The length of an array is fixed; that of a sequence has at most a limit.
        if length not in (0, was_length) or was_item[0] != item[0]:
            return None
        if item[0] == Nodetype.NAME:
            if was_item[1] != item[1]:
                return None
            each = self.message(item[1], f"{place}[].")
            return lambda message: [each(one) for one in take(message)]
        if was_item == item:
            return take
        if not _fits(was_item, item) or "string" in item[1][0]:
            return None
        return lambda message: np.asarray(take(message)).astype(_numpy(item))


def _holds_message(kind: Any) -> bool:
    return bool(
        kind[0] == Nodetype.NAME or (kind[0] != Nodetype.BASE and kind[1][0][0] == Nodetype.NAME)
    )


def _fits(was: Any, kind: Any) -> bool:
    """Return whether every value of one basic type is one of the other."""
    (was_name, _), (name, limit) = was[1], kind[1]
    if "string" in was_name or "string" in name:
        return bool(was_name == name and limit == 0)
    return np.can_cast(_numpy(was), _numpy(kind), "safe")


def _numpy(kind: Any) -> np.dtype[Any]:
    name = kind[1][0]
    return np.dtype("uint8" if name in ("byte", "octet", "char") else name)


def _constant(value: Any) -> Converter:
    return lambda _: value


def _built(value: Any, kind: Any, store: Typestore) -> Any:
    """Return a value as a store's messages hold it."""
    if kind[0] != Nodetype.NAME:
        return value
    fields = store.fielddefs[kind[1]][1]
    return store.types[kind[1]](
        **{name: _built(value[name], inner, store) for name, inner in fields}
    )
