"""The numbers of serialised messages, read and written in place with numpy.

rclpy makes a Python object of every part of a message: half a millisecond for the 33 keypoints of a
``BodyPose``, each way. Messages of one kind differ from one to the next in their numbers only, not
in their texts and lengths, so that a number stays where it was. A `Layout` says where.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message, serialize_message
from rosidl_parser.definition import AbstractSequence, AbstractString, Array, BasicType

from lbp_rehab.bags.definitions import message_class
from lbp_rehab.errors import InputError
from lbp_rehab.replay.canonical import canonical

HEADER = b"\x00\x01\x00\x00"  # plain CDR, little-endian; alignment begins after it
_DTYPES = {
    "boolean": "u1", "octet": "u1", "uint8": "u1", "int8": "i1", "uint16": "<u2", "int16": "<i2",
    "uint32": "<u4", "int32": "<i4", "float": "<f4", "uint64": "<u8", "int64": "<i8",
    "double": "<f8",
}  # fmt: skip
_NONE = np.zeros(0)


class Layout:
    """Where the numbers of a serialised message lie.

    Parameters
    ----------
    kind : type
        A message class without wide strings.
    data : bytes
        Plain CDR, little-endian.

    Attributes
    ----------
    places : dict of str to (str, ndarray of int)
        Type and indices, in units of the type's size, of the numbers of a field, by a path such as
        ``keypoints.sigma_m``. Vectors and arrays have a row each: shape (n, 3) of
        ``keypoints.position``.
    texts : dict of str to list of str
        Likewise.

    Raises
    ------
    InputError
        If the message is shorter than it says.
    """

    def __init__(self, kind: type, data: bytes) -> None:
        self._data, self._at = data[len(HEADER) :], 0
        self._found: dict[str, tuple[str, list[Any]]] = {}
        self.texts: dict[str, list[str]] = {}
        fixed: list[NDArray[np.intp]] = []
        self._fixed = fixed
        try:
            self._struct(kind, "")
        except (struct.error, UnicodeDecodeError):
            raise InputError(f"a {kind.__name__} is damaged") from None
        if self._at > len(self._data):
            raise InputError(f"a {kind.__name__} is shorter than it says")
        self.places = {
            path: (dtype, np.array(indices)) for path, (dtype, indices) in self._found.items()
        }
        self._joined: dict[tuple[str, ...], tuple[str, NDArray[np.intp]]] = {}
        self._where = np.concatenate(fixed) if fixed else np.zeros(0, np.intp)
        self._size = len(HEADER) + self._at
        self._same = np.frombuffer(self._data, np.uint8)[self._where].tobytes()

    def joined(self, paths: tuple[str, ...]) -> tuple[str, NDArray[np.intp]]:
        """Return the places of several fields of one type, one behind the other."""
        found = self._joined.get(paths)
        if found is None:
            (dtype,) = {self.places[path][0] for path in paths}
            where = np.concatenate([self.places[path][1].ravel() for path in paths])
            found = self._joined[paths] = dtype, where
        return found

    def fits(self, data: bytes) -> bool:
        """Whether another message of the kind has the same texts and lengths."""
        if len(data) < self._size:
            return False
        return (
            np.frombuffer(data, np.uint8, offset=len(HEADER))[self._where].tobytes() == self._same
        )

    def _struct(self, kind: Any, path: str) -> None:
        for name, slot in zip(kind.get_fields_and_field_types(), kind.SLOT_TYPES, strict=True):
            self._slot(slot, f"{path}.{name}" if path else name)

    def _slot(self, slot: Any, path: str) -> None:
        if isinstance(slot, BasicType):
            self._numbers(slot.typename, 1, path, row=False)
        elif isinstance(slot, AbstractString):
            n = self._count()
            text = self._data[self._at : self._at + n]
            self._keep(n)
            self.texts.setdefault(path, []).append(text[:-1].decode())
        elif isinstance(slot, (Array, AbstractSequence)):
            n = slot.size if isinstance(slot, Array) else self._count()
            if isinstance(slot.value_type, BasicType):
                if n:
                    self._numbers(slot.value_type.typename, n, path, row=True)
                return
            for _ in range(n):
                self._slot(slot.value_type, path)
        else:
            kind: Any = message_class("/".join([*slot.namespaces, slot.name]))
            types = {getattr(s, "typename", "") for s in kind.SLOT_TYPES}
            if len(types) == 1 and "" not in types:  # a vector
                self._numbers(types.pop(), len(kind.SLOT_TYPES), path, row=True)
            else:
                self._struct(kind, path)

    def _numbers(self, typename: str, n: int, path: str, row: bool) -> None:
        dtype = _DTYPES[typename]
        size = np.dtype(dtype).itemsize
        first = -(-self._at // size)
        self._at = (first + n) * size
        indices = list(range(first, first + n)) if row else first
        self._found.setdefault(path, (dtype, []))[1].append(indices)

    def _count(self) -> int:
        self._at += -self._at % 4
        (n,) = struct.unpack_from("<I", self._data, self._at)
        self._keep(4)
        if n > len(self._data):
            raise InputError("a message is shorter than it says")
        return int(n)

    def _keep(self, n: int) -> None:
        self._fixed.append(np.arange(self._at, self._at + n))
        self._at += n


class Numbers:
    """The numbers of one serialised message.

    Parameters
    ----------
    layout : Layout
    data : bytes or bytearray
        What the layout fits; a bytearray can be written to.
    """

    def __init__(self, layout: Layout, data: bytes | bytearray) -> None:
        self.layout, self._data = layout, data
        self._views: dict[str, NDArray[Any]] = {}

    def __getitem__(self, path: str) -> NDArray[Any]:
        """Return a field of all elements, shape (n,) or, of vectors and arrays, (n, k).

        It is empty in a sequence without elements.
        """
        place = self.layout.places.get(path)
        return _NONE if place is None else self._view(place[0])[place[1]]

    def __setitem__(self, path: str, values: Any) -> None:
        place = self.layout.places.get(path)
        if place is not None:
            self._view(place[0])[place[1]] = values

    def joined(self, paths: tuple[str, ...]) -> NDArray[Any]:
        """Return several fields of one type, one behind the other."""
        dtype, where = self.layout.joined(paths)
        return self._view(dtype)[where]

    def _view(self, dtype: str) -> NDArray[Any]:
        view = self._views.get(dtype)
        if view is None:
            n = (len(self._data) - len(HEADER)) // np.dtype(dtype).itemsize
            view = np.frombuffer(self._data, dtype, n, len(HEADER))
            self._views[dtype] = view
        return view


def type_name(kind: type) -> str:
    """Return the name of a message's type, such as ``sensor_msgs/msg/Image``."""
    package, interface, _ = kind.__module__.rsplit(".", 2)
    return f"{package.replace('.', '/')}/{interface}/{kind.__name__}"


class Reading:
    """Reads messages of one kind from a sender whose texts seldom change."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._layout: Layout | None = None

    def __call__(self, data: bytes) -> Numbers:
        """Return the numbers of a serialised message; InputError if it is damaged."""
        if data[:2] != HEADER[:2]:
            data = bytes(serialize_message(deserialize_message(data, self._kind)))
        layout = self._layout
        if layout is None or not layout.fits(data):
            layout = self._layout = Layout(self._kind, data)
        return Numbers(layout, data)


class Filled(bytes):
    """A serialised message with zeros between its fields and nothing behind the last."""


class Form:
    """A serialised message to be filled in with other numbers."""

    def __init__(self, message: Any) -> None:
        data = bytes(serialize_message(message))
        self._layout = Layout(type(message), data)
        self._blank = canonical(type_name(type(message)), data)

    def __getitem__(self, path: str) -> NDArray[Any]:
        """Return the form's own numbers of a field, to be changed."""
        return Numbers(self._layout, self._blank)[path]

    def filled(self, numbers: dict[str, Any]) -> Filled:
        """Return the message with these numbers, by path, in place of its own."""
        data = bytearray(self._blank)
        into = Numbers(self._layout, data)
        for path, values in numbers.items():
            into[path] = values
        return Filled(data)
