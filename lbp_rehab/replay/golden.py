"""Golden recordings: results of replays that were looked at and found right, a bag each."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from lbp_rehab.bags.play import Selection
from lbp_rehab.bags.read import storage_files
from lbp_rehab.compare.tolerance import EXACT, Tolerance
from lbp_rehab.errors import InputError
from lbp_rehab.replay import provenance
from lbp_rehab.replay.jobs import Job, Outcome, run
from lbp_rehab.replay.provenance import Provenance


@dataclass(frozen=True)
class Golden:
    """A golden recording.

    Attributes
    ----------
    path : Path
        Its bag.
    made : Provenance
    """

    path: Path
    made: Provenance

    @property
    def recording(self) -> Path:
        """The recording that it was made from."""
        return self.made.recording_path(self.path)

    @property
    def state(self) -> str:
        """Whether the recording is there and as it was: ``ok``, ``missing`` or ``changed``."""
        try:
            same = provenance.recording_sha256(self.recording) == self.made.recording_sha256
        except InputError:
            return "missing"
        return "ok" if same else "changed"

    def job(self, tolerance: Tolerance = EXACT) -> Job:
        """Return the replay that makes it anew and compares."""
        return Job(
            self.path.name,
            self.recording,
            self.made.session_options(self.path),
            self.made.selection,
            self.path,
            tolerance,
        )


def at(path: Path) -> Golden | None:
    """Return the golden recording at a path; None if there is none."""
    made = provenance.read(path) if path.is_dir() else None
    return Golden(path, made) if made is not None and made.golden else None


def within(folder: Path) -> list[Golden]:
    """Return the golden recordings in a folder, by name.

    Raises
    ------
    InputError
        If the folder is not there.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder '{folder}' of golden recordings; make one with "
            "'lbp-rehab golden add BAG'"
        )
    found = (at(path) for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [golden for golden in found if golden is not None]


def add(job: Job, folder: Path, progress: Callable[[float], None] = lambda _: None) -> Outcome:
    """Replay a recording and keep the result as golden.

    Parameters
    ----------
    job : Job
        Its name becomes the golden recording's.
    folder : Path
        Of golden recordings; is created.
    progress : callable
        See `lbp_rehab.replay.jobs.run`.

    Raises
    ------
    InputError
        If one of that name is there already, or the recording cannot be replayed.
    """
    target = folder / job.name
    if target.exists():
        raise InputError(
            f"'{target}' is there already; see what changed with 'lbp-rehab golden update "
            f"{job.name}', or choose another --name"
        )
    return put(job, target, progress)


def put(job: Job, target: Path, progress: Callable[[float], None] = lambda _: None) -> Outcome:
    """Replay a recording and keep the result at a place, whatever is there.

    Raises
    ------
    InputError
        If the recording cannot be replayed.
    """
    with _beside(target) as fresh:
        outcome = run(replace(job, golden=None, output=fresh, home=target), progress)
        if outcome.error:
            raise InputError(outcome.error)
        _put(fresh, target)
    return outcome


def renew(
    golden: Golden,
    accept: Callable[[Outcome], bool],
    page: Path | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Outcome:
    """Replay a golden recording's recording anew; keep the result if it changed and is accepted.

    Parameters
    ----------
    golden : Golden
    accept : callable
        Is shown what changed.
    page : Path, optional
        HTML file for the comparison.
    progress : callable
        See `lbp_rehab.replay.jobs.run`.
    """
    with _beside(golden.path) as fresh:
        outcome = run(replace(golden.job(), output=fresh, home=golden.path, page=page), progress)
        changed = not outcome.error and (not outcome.passed or bool(outcome.changes))
        if changed and accept(outcome):
            _put(fresh, golden.path)
        return outcome


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a place for a bag on the same disk as, and named as, the one that it shall replace."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new_", dir=target.parent))
    except OSError as error:
        raise InputError(f"cannot write to '{target.parent}': {error.strerror}") from None
    try:
        yield scratch / target.name
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(fresh: Path, target: Path) -> None:
    """Put a bag in another's place; killed between, both are there."""
    old = fresh.with_name("old")
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def jobs(
    paths: Sequence[Path], like: Job, golden: Path | None = None, changed: Sequence[str] = ()
) -> list[Job]:
    """Return the replays that paths ask for.

    Parameters
    ----------
    paths : sequence of Path
        A recording; a golden recording, whose recording is then replayed as it was; or a folder
        of such, at any depth.
    like : Job
        Options, selection and tolerance.
    golden : Path, optional
        A golden recording, or a folder in which each recording has one of its name.
    changed : sequence of str
        Options that count also for golden recordings instead of their own.

    Raises
    ------
    InputError
        If a path holds no bag, or a recording has no golden one though they are asked for.
    """
    found: list[Job] = []
    for path in paths:
        for bag in _bags(path):
            name = name_of(bag) if bag == path else str(bag.relative_to(path)).replace("/", "_")
            found.append(_job(bag, name, like, golden, changed))
    if golden is not None and at(golden) is not None and len(found) > 1:
        raise InputError(
            f"'{golden}' is one golden recording, and there are {len(found)} recordings; give a "
            "folder in which each has its own"
        )
    return _told_apart(found)


def name_of(bag: Path) -> str:
    """Return what a recording's golden one is called."""
    return bag.stem if bag.is_file() else bag.resolve().name


def _told_apart(found: list[Job]) -> list[Job]:
    """Return jobs of which each has a name, and so an output and a page, of its own."""
    seen = Counter[str]()
    for k, job in enumerate(found):
        seen[job.name] += 1
        if seen[job.name] > 1:
            found[k] = replace(job, name=f"{job.name}_{seen[job.name]}")
    return found


def _job(bag: Path, name: str, like: Job, golden: Path | None, changed: Sequence[str]) -> Job:
    own = at(bag)
    if own is None and golden is None:
        return replace(like, name=name, bag=bag)
    if own is None:
        assert golden is not None
        own = at(golden) or at(golden / name)
        if own is None and _is_bag(golden):
            return replace(like, name=name, bag=bag, golden=golden)
        if own is None:
            raise InputError(
                f"there is no golden recording '{golden / name}'; make it with 'lbp-rehab golden "
                f"add {bag} --name {name} --set {golden}'"
            )
        recording = bag
    else:
        recording = own.recording
    theirs = own.job(like.tolerance)
    mine = {option: getattr(like.options, option) for option in changed}
    given = {
        f.name: value
        for f in fields(Selection)
        if (value := getattr(like.selection, f.name)) != getattr(Selection(), f.name)
    }
    return replace(
        theirs, name=name, bag=recording, options=replace(theirs.options, **mine),
        selection=replace(theirs.selection, **given),
    )  # fmt: skip


def _bags(path: Path) -> list[Path]:
    if _is_bag(path) or not path.is_dir():
        storage_files(path)  # says what is wrong with it
        return [path]
    found = sorted(p for p in path.rglob("*") if p.is_dir() and _is_bag(p) and _visible(p, path))
    if not found:
        raise InputError(f"'{path}' holds no bag, and no folder in it does")
    return found


def _visible(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def _is_bag(path: Path) -> bool:
    try:
        return bool(storage_files(path))
    except InputError:
        return False
