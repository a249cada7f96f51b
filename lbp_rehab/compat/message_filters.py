"""Stand-in for message_filters: the simple filter and the approximate-time synchroniser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbp_rehab.stamps import NANOSECONDS, to_ns


class SimpleFilter:
    """Hands each message to the callbacks registered with it."""

    def __init__(self) -> None:
        self.callbacks: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}

    def registerCallback(self, cb: Callable[..., None], *args: Any) -> int:  # noqa: N802
        """Call ``cb(message, *args)`` for every message."""
        key = len(self.callbacks)
        self.callbacks[key] = (cb, args)
        return key

    def signalMessage(self, *msg: Any) -> None:  # noqa: N802
        """Pass a message on."""
        for cb, args in self.callbacks.values():
            cb(*msg, *args)


class ApproximateTimeSynchronizer(SimpleFilter):
    """Groups messages of several filters whose stamps differ by at most ``slop`` seconds.

    A group is passed on as soon as it is complete. Messages older than a group that was passed on
    are forgotten; each filter remembers ``queue_size`` messages.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int, slop: float) -> None:
        super().__init__()
        self._slop_ns = round(slop * NANOSECONDS)
        self._queue_size = queue_size
        self._queues: list[dict[int, Any]] = [{} for _ in fs]
        for index, source in enumerate(fs):
            source.registerCallback(self._add, index)

    def _add(self, message: Any, index: int) -> None:
        key = to_ns(message.header.stamp)
        queue = self._queues[index]
        queue[key] = message
        while len(queue) > self._queue_size:
            del queue[min(queue)]
        keys = []
        for other in self._queues:
            near = min(other, key=lambda k: abs(k - key), default=None)
            if near is None or abs(near - key) > self._slop_ns:
                return
            keys.append(near)
        if max(keys) - min(keys) > self._slop_ns:
            return
        group = [queue.pop(k) for queue, k in zip(self._queues, keys, strict=True)]
        for other, k in zip(self._queues, keys, strict=True):
            for old in [o for o in other if o < k]:
                del other[old]
        self.signalMessage(*group)
