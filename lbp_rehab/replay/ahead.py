"""The first node of a replay in a process of its own, which works ahead of the others.

A node that hears nothing but the recording does the same whatever the others do. So it can be
replayed alone in a second process, which tells what it did, turn by turn: a turn is its making, a
message that it took, a timer that rang, its end. In the first process a `Ghost` stands in its
place. It listens where the node listens, its timers ring when the node's do, and at each of its
turns it does what the node did. All that is sent so keeps the place it has in one process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from lbp_rehab.bags.play import Selection
from lbp_rehab.replay.world import CLOCK_TOPIC, Alarm, Reader, Terms, World, Writer

TURN, DONE = "turn", "done"  # of the node begins, and is over
MAKE, END = "make", "end"  # keys of turns; those of readers and timers are numbers
FED = "fed"
PIPE_BYTES = 1 << 20  # so far the node may be ahead: some 50 frames of pose and markers

Act = tuple[Any, ...]  # what a node did, and to which of its readers, writers and timers


class Scribe(World):
    """A world that tells what its node does to it.

    Parameters
    ----------
    start_ns : int
    clock : callable
        As of `World`.
    out : BinaryIO
        Takes the acts, pickled.
    """

    def __init__(self, start_ns: int, clock: Callable[[int], bytes], out: BinaryIO) -> None:
        super().__init__(start_ns, clock=clock)
        self._out, self._acts = out, list[Act]()
        self._made: list[Any] = []  # readers, writers and alarms, whose places are their keys
        self._turns = 0  # under way

    def turn(self, key: int | str, act: Callable[[], Any]) -> Any:
        """Let the node act."""
        self.tell(TURN, key)
        self._turns += 1
        result = act()
        self._turns -= 1
        self.tell(DONE)
        return result

    def tell(self, *act: Any) -> None:
        """Tell of something that is not the node's doing."""
        self._acts.append(act)

    def flush(self) -> None:
        """Hand on what was told."""
        pickle.dump(self._acts, self._out, pickle.HIGHEST_PROTOCOL)
        self._out.flush()
        self._acts = []

    def listen(self, topic: str, terms: Terms, take: Callable[[bytes], None]) -> Reader:
        """Let the node hear a topic, ``/clock`` untold: nothing follows from it alone."""
        if topic == CLOCK_TOPIC:
            return super().listen(topic, terms, take)
        key = len(self._made)
        self.tell("listen", topic, terms)
        self._made.append(None)
        reader = super().listen(topic, terms, lambda data: self.turn(key, lambda: take(data)))
        self._made[key] = reader
        return reader

    def leave(self, reader: Reader) -> None:
        """End a reader."""
        if reader in self._made:
            self.tell("leave", self._made.index(reader))
        super().leave(reader)

    def offer(self, topic: str, kind: str, terms: Terms) -> Writer:
        """Let the node, or the recording, publish on a topic."""
        writer = super().offer(topic, kind, terms)
        if self._turns:
            self.tell("offer", topic, kind, terms)
            self._made.append(writer)
        return writer

    def withdraw(self, writer: Writer) -> None:
        """End a writer."""
        self.tell("withdraw", self._made.index(writer))
        super().withdraw(writer)

    def send(self, writer: Writer, data: bytes) -> None:
        """Publish a message of the node."""
        self.tell("send", self._made.index(writer), data)
        super().send(writer, data)

    def alarm(self, period_ns: int, ring: Callable[[], None], *, start: bool = True) -> Alarm:
        """Return a timer."""
        key = len(self._made)
        self.tell("alarm", period_ns, start)
        alarm = _ToldAlarm(self, key, max(period_ns, 1), lambda: self.turn(key, ring))
        self._made.append(alarm)
        if start:
            Alarm.reset(alarm)
        return alarm

    def made(self, node: str, parameters: dict[str, Any]) -> None:
        """Note the node's parameters."""
        self.tell("made", node, parameters)

    def not_read(self, topic: str) -> None:
        """Count a message that the node could not understand."""
        self.tell("not_read", topic)

    def until(self, step: Callable[[], bool]) -> None:
        """Refuse what goes on between turns."""
        raise RuntimeError("a node that goes on between messages cannot work ahead")


class _ToldAlarm(Alarm):
    def __init__(self, scribe: Scribe, key: int, period_ns: int, ring: Callable[[], None]) -> None:
        super().__init__(scribe, period_ns, ring)
        self._scribe, self._key = scribe, key

    def reset(self) -> None:
        self._scribe.tell("reset", self._key)
        super().reset()

    def cancel(self) -> None:
        self._scribe.tell("cancel", self._key)
        super().cancel()


class Ghost:
    """Stands for a node that works ahead.

    Parameters
    ----------
    world : World
        Of the others.
    acts : iterator of tuple
        What the node did, from a `Scribe`.
    """

    def __init__(self, world: World, acts: Iterator[Act]) -> None:
        self._world, self._acts = world, acts
        self._things: list[Any] = []
        self._readers: set[Reader] = set()

    def turn(self, key: int | str) -> None:
        """Do what the node did at its turn."""
        self._expect(TURN, key)
        while (act := next(self._acts)) != (DONE,):
            getattr(self, "_" + act[0])(*act[1:])

    def fed(self, topic: str) -> str:
        """Return why the node was not fed the next message of the recording; empty if it was."""
        return str(self._expect(FED, topic)[2])

    def hears(self, topic: str) -> bool:
        """Whether the node hears a topic."""
        return any(reader in self._readers for reader in self._world.readers.get(topic, []))

    def alone(self, topic: str) -> bool:
        """Whether nobody else hears a topic."""
        return all(reader in self._readers for reader in self._world.readers.get(topic, []))

    def _expect(self, *what: Any) -> Act:
        act = next(self._acts)
        if act[:2] != what:
            raise RuntimeError(f"the node that works ahead did {act[:2]} instead of {what}")
        return act

    def _listen(self, topic: str, terms: Terms) -> None:
        key = len(self._things)
        self._things.append(None)
        reader = self._things[key] = self._world.listen(topic, terms, lambda _: self.turn(key))
        self._readers.add(reader)

    def _made(self, node: str, parameters: dict[str, Any]) -> None:
        self._world.made(node, parameters)

    def _not_read(self, topic: str) -> None:
        self._world.not_read(topic)

    def _leave(self, key: int) -> None:
        self._world.leave(self._things[key])

    def _offer(self, topic: str, kind: str, terms: Terms) -> None:
        self._things.append(self._world.offer(topic, kind, terms))

    def _withdraw(self, key: int) -> None:
        self._world.withdraw(self._things[key])

    def _send(self, key: int, data: bytes) -> None:
        self._world.send(self._things[key], data)

    def _alarm(self, period_ns: int, start: bool) -> None:
        key = len(self._things)
        self._things.append(self._world.alarm(period_ns, lambda: self.turn(key), start=start))

    def _reset(self, key: int) -> None:
        self._things[key].reset()

    def _cancel(self, key: int) -> None:
        self._things[key].cancel()


class Ahead:
    """The process in which a node works ahead; to be used in a ``with`` statement.

    Parameters
    ----------
    bag : Path
    part : Part
        The node; its class can be imported.
    selection : Selection
    """

    def __init__(self, bag: Path, part: Any, selection: Selection) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pipesize=PIPE_BYTES,
        )  # fmt: skip
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pickle.dump((bag, part, selection), pipe)

    def acts(self) -> Iterator[Act]:
        """Yield what the node did; raise what it raised."""
        assert self._process.stdout is not None
        while True:
            try:
                acts = pickle.load(self._process.stdout)
            except EOFError:
                code = self._process.wait()
                raise RuntimeError(f"the process of a node ended with exit code {code}") from None
            if isinstance(acts, Exception):
                raise acts
            yield from acts

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def main() -> int:
    """Replay the node that standard input names, and tell what it does."""
    from lbp_rehab.replay.lockstep import replay_ahead  # noqa: PLC0415

    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no act
    bag, part, selection = pickle.load(sys.stdin.buffer)
    try:
        replay_ahead(bag, part, selection, out)
    except BrokenPipeError:
        return 1  # nobody wants to know any more
    except Exception as error:
        pickle.dump(error, out)
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
