"""Messages of a bag by the definitions in it: also of types that are not installed, or older."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from lbp_rehab.bags import Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

HEADER = "std_msgs/msg/Header"
_CDR_HEADER = 4  # bytes


class Decoder:
    """Decodes one topic's messages.

    Parameters
    ----------
    topic : Topic
        Its definition counts; where the bag has none, the installed one.

    Attributes
    ----------
    known : bool
        Whether messages can be decoded; else only their bytes can be compared.
    """

    def __init__(self, topic: Topic) -> None:
        self._name, self._type = topic.name, topic.type
        text = topic.definition if topic.encoding == "ros2msg" else ""
        text = text or installed(topic.type).text
        self._store = _store(text, topic.type) if text else None
        if self._store is not None and topic.type not in self._store.fielddefs:
            # So rosbags calls the types of calls: lbp_rehab/srv/msg/CalibrateMvc_Event.
            package, _, name = topic.type.rpartition("/")
            self._type = f"{package}/msg/{name}"
        self._stamp_at = _stamp_at(self._store, self._type) if self._store is not None else None

    @property
    def known(self) -> bool:
        """Whether messages can be decoded."""
        return self._store is not None

    def __call__(self, data: bytes) -> Any:
        """Return a message.

        Raises
        ------
        InputError
            If the bytes are not one of this type.
        """
        assert self._store is not None
        known = self._store.get_msgdef(self._type)
        take = known.deserialize_cdr_le if data[1] & 1 else known.deserialize_cdr_be
        try:
            # Not by the store: it refuses the bytes that rclpy leaves behind the last field.
            return take(memoryview(data)[_CDR_HEADER:], 0, known.cls, self._store)[0]
        except Exception as error:  # damaged bytes cause errors of any kind in rosbags
            raise InputError(
                f"a message of {self._name} is no {self._type} as the bag defines it "
                f"({' '.join(str(error).split()) or type(error).__name__})"
            ) from None

    def stamp_ns(self, data: bytes, otherwise_ns: int) -> int:
        """Return the header's stamp without decoding the rest; what is given if there is none.

        A message that is a list, such as of markers or transforms, has that of its first element.
        """
        if self._stamp_at is None or len(data) < self._stamp_at + 8:
            return otherwise_ns
        seconds, rest = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, self._stamp_at)
        return int(seconds * NANOSECONDS + rest) or otherwise_ns


def _stamp_at(store: Typestore, type_name: str) -> int | None:
    """Return where in the bytes of a message its stamp is; None if it has none."""
    fields = store.get_msgdef(type_name).fields
    if not fields:
        return None
    kind, what = fields[0][1]
    if kind == Nodetype.NAME:
        return _CDR_HEADER if what == HEADER else None
    if kind == Nodetype.SEQUENCE and what[0][0] == Nodetype.NAME:
        inner = store.get_msgdef(str(what[0][1])).fields
        if inner and inner[0][1] == (Nodetype.NAME, HEADER):
            return _CDR_HEADER + 4  # after the length
    return None


@cache
def _store(text: str, type_name: str) -> Typestore | None:
    """Return the types of a definition; None if it cannot be read."""
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(text, type_name))
    except Exception:  # by what is wrong in the text, errors of several kinds
        return None
    return store
