"""One recording's replay, wherever it runs: here, in a process beside others, on a cluster."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lbp_rehab import environment
from lbp_rehab.bags import BagReader, BagWriter, Topic, definitions
from lbp_rehab.bags.play import Selection, select
from lbp_rehab.compare.comparison import Comparison, compare
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.fields import constant
from lbp_rehab.compare.tolerance import EXACT, Tolerance
from lbp_rehab.errors import InputError
from lbp_rehab.graph import DEFAULTS, SessionOptions
from lbp_rehab.replay import provenance
from lbp_rehab.replay.lockstep import Part, Replayed, replay
from lbp_rehab.replay.provenance import Provenance
from lbp_rehab.replay.session import parts
from lbp_rehab.replay.world import Sent
from lbp_rehab.stamps import NANOSECONDS, to_ns

REPETITION = "lbp_rehab/msg/Repetition"


@dataclass(frozen=True)
class Job:
    """What to replay.

    Attributes
    ----------
    name : str
        Tells it from others.
    bag : Path
    options : SessionOptions
    selection : Selection
    golden : Path, optional
        Recording to hold the result against.
    tolerance : Tolerance
    output : Path, optional
        Bag to keep of what comes out; must not exist.
    home : Path, optional
        Where the output will be kept as golden; its files are named relative to it.
    page : Path, optional
        HTML file of the comparison.
    nodes : tuple of Part
        Others than those of the session.
    processes : int
        With two, the first node of the session works ahead of the others.
    """

    name: str
    bag: Path
    options: SessionOptions = DEFAULTS
    selection: Selection = field(default_factory=Selection)
    golden: Path | None = None
    tolerance: Tolerance = EXACT
    output: Path | None = None
    home: Path | None = None
    page: Path | None = None
    nodes: tuple[Part, ...] = ()
    processes: int = 1


@dataclass(frozen=True)
class Repetition:
    """A repetition that came out.

    Attributes
    ----------
    exercise : str
    seconds : float
        Of its end, since the recording's start.
    score : float, optional
        0 to 100; None: unknown.
    grade, outcome : str
    faults : tuple of str
    """

    exercise: str
    seconds: float
    score: float | None
    grade: str
    outcome: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    job : Job
    error : str
        One sentence, if there was no result; the rest is then empty.
    nodes : tuple of str
    replayed : Replayed, optional
    took_s, startup_s : float
        For the replay; of it, until the first message was worked off.
    comparison : Comparison, optional
        With the golden recording, if there is one.
    made : Provenance, optional
        Of the bag of what came out, if there is one.
    changes : dict of str to (str, str)
        What was made differently from the golden recording: by what, golden and new.
    person : str
    repetitions : tuple of Repetition
    """

    job: Job
    error: str = ""
    nodes: tuple[str, ...] = ()
    replayed: Replayed | None = None
    took_s: float = 0.0
    startup_s: float = 0.0
    comparison: Comparison | None = None
    made: Provenance | None = None
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    person: str = ""
    repetitions: tuple[Repetition, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it was replayed and, with a golden recording, came out the same."""
        return not self.error and (self.comparison is None or self.comparison.passed)

    def figures(self) -> dict[str, Any]:
        """Return the replay's part as plain data with stable keys."""
        if self.replayed is None:
            return {"bag": str(self.job.bag), "error": self.error}
        result = self.replayed
        length_s = (result.end_ns - result.start_ns) / NANOSECONDS
        return {
            "bag": str(self.job.bag),
            "nodes": list(self.nodes),
            "recording_s": round(length_s, 3),
            "took_s": round(self.took_s, 3),
            "startup_s": round(self.startup_s, 3),
            "realtime_factor": round(length_s / max(self.took_s, 1e-9), 2),
            "fed": result.fed,
            "sent": result.sent,
            "sha256": result.digests,
            "warnings": list(result.warnings),
        }


def run(job: Job, progress: Callable[[float], None] = lambda _: None) -> Outcome:
    """Replay a recording; what a user can mend is the outcome's error.

    Parameters
    ----------
    job : Job
    progress : callable
        Is told the seconds of the recording that are done.
    """
    environment.apply()
    with tempfile.TemporaryDirectory(prefix="lbp_rehab_replay_") as scratch:
        try:
            return _run(job, Path(scratch), progress)
        except InputError as error:
            return Outcome(job, str(error))


def _run(job: Job, scratch: Path, progress: Callable[[float], None]) -> Outcome:
    output = job.output or (scratch / job.name if job.golden is not None else None)
    repetitions: list[Repetition] = []
    people: set[str] = set()
    decode = Decoder(Topic("", REPETITION))
    with BagReader(job.bag, as_installed=True) as bag:
        there = {output.name for output in select(bag.topics, job.selection)}
        nodes = job.nodes or parts(there, job.options, job.bag)
        writer = BagWriter(output) if output is not None else None

        def hear(sent: Sent) -> None:
            if writer is not None:
                _write(writer, sent)
            if sent.type == REPETITION:
                message = decode(sent.data)
                people.add(message.person_id)
                repetitions.append(_repetition(message, bag.start_ns))

        begin_s = first_s = time.perf_counter()

        def follow(now_ns: int) -> None:
            nonlocal first_s
            if first_s == begin_s:
                first_s = time.perf_counter()
            progress((now_ns - bag.start_ns) / NANOSECONDS)

        ahead = job.processes > 1 and len(nodes) > 1 and not job.nodes
        try:
            result = replay(bag, nodes, hear, job.selection, follow, ahead=ahead)
            took_s = time.perf_counter() - begin_s
            made = None
            if writer is not None:  # reads the whole recording, for its sum
                home = job.home or job.golden or writer.folder
                kept = job.home is not None
                made = provenance.made(job.bag, home, job.options, job.selection, result, kept=kept)
                writer.custom_data[provenance.KEY] = made.text()
        finally:
            if writer is not None:
                writer.close()
    outcome = Outcome(
        job,
        nodes=tuple(part.kind.__name__ for part in nodes),
        replayed=result,
        took_s=took_s,
        startup_s=first_s - begin_s,
        made=made,
        person=next(iter(people), ""),
        repetitions=tuple(repetitions),
    )
    if job.golden is None or output is None:
        return outcome
    return _compared(outcome, output)


def _compared(outcome: Outcome, output: Path) -> Outcome:
    job = outcome.job
    assert job.golden is not None
    before = provenance.read(job.golden)
    assert outcome.made is not None
    changes = provenance.changes(before, outcome.made) if before is not None else {}
    with BagReader(job.golden) as golden, BagReader(output) as new, BagReader(job.bag) as bag:
        comparison = compare(golden, new, job.tolerance)
        if job.page is not None:
            from lbp_rehab.compare.page import write_page  # noqa: PLC0415 - draws: loads slowly

            write_page(
                job.page, comparison, golden, new,
                tolerance=job.tolerance, recordings=[bag], made=changes,
            )  # fmt: skip
    return replace(outcome, comparison=comparison, changes=changes)


def _repetition(message: Any, start_ns: int) -> Repetition:
    return Repetition(
        message.exercise,
        (to_ns(message.end) - start_ns) / NANOSECONDS,
        message.score.value if message.score.status else None,
        constant(message, "grade", message.grade).lower(),
        constant(message, "outcome", message.outcome).lower(),
        tuple(fault.id for fault in message.faults),
    )


def _write(writer: BagWriter, sent: Sent) -> None:
    if sent.topic not in writer.topics:
        writer.add_topic(definitions.topic(sent.topic, sent.type))
    writer.write(sent.topic, sent.data, sent.time_ns)
