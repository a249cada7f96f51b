"""Write a bag from a thread of its own, so that a slow disk never holds up the graph."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.write import BagWriter
from lbp_rehab.errors import InputError


@dataclass(frozen=True)
class _Job:
    do: Callable[[], None]
    topic: str = ""  # of a message
    size: int = 0


class BackgroundWriter:
    """Feeds a `BagWriter` through a queue of bounded size.

    What does not fit is dropped and counted in `lost`, never silently.

    Parameters
    ----------
    writer : BagWriter
        Used by the thread alone from now on.
    capacity_bytes : int
        Most bytes of messages that may wait.

    Attributes
    ----------
    lost : Counter
        By topic, the messages that could not be queued.
    """

    def __init__(self, writer: BagWriter, capacity_bytes: int) -> None:
        self.lost: Counter[str] = Counter()
        self._writer = writer
        self._capacity_bytes = capacity_bytes
        self._waiting_bytes = 0
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="bag writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of messages that are queued or being written."""
        return self._waiting_bytes

    @property
    def counts(self) -> Counter[str]:
        """Return the messages written so far, by topic."""
        return self._writer.counts

    def check(self) -> None:
        """Raise the error that ended the writing, if one did."""
        if self._error is not None:
            raise self._error

    def add_topic(self, topic: Topic) -> None:
        """Queue a topic."""
        self._queue(_Job(lambda: self._writer.add_topic(topic)))

    def write(self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int) -> None:
        """Queue a message, or count it as lost."""
        if self._error is not None or self._waiting_bytes + len(data) > self._capacity_bytes:
            self.lost[topic] += 1
            return
        self._queue(
            _Job(
                lambda: self._writer.write(topic, data, log_time_ns, publish_time_ns),
                topic,
                len(data),
            )
        )

    def flush(self) -> None:
        """Queue a flush."""
        self._queue(_Job(self._writer.flush))

    def close(self) -> None:
        """Write what is queued and finish the bag.

        Raises
        ------
        InputError
            If the bag could not be written to its end.
        """
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()
        self.check()
        try:
            self._writer.close()
        except InputError:
            self.lost.update(self._writer.lost)
            raise

    def _queue(self, job: _Job) -> None:
        with self._changed:
            self._jobs.append(job)
            self._waiting_bytes += job.size
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._ending)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            try:
                job.do()
            except Exception as error:  # raised again where the owner asks: check() and close()
                with self._changed:
                    self._error = error
                    # The writer itself counts what it had accepted.
                    given_up = [] if isinstance(error, InputError) else [job]
                    self.lost.update(job.topic for job in [*given_up, *self._jobs] if job.topic)
                    self.lost.update(self._writer.lost)
                    self._jobs.clear()
                return
            with self._changed:
                self._waiting_bytes -= job.size
