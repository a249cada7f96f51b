"""``python -m lbp_rehab.training.followed FOLDER``: rendered sets followed by the whole pipeline.

Pose, pelvis and breathing of every image of sets of training people, beside the truth. The limits
in ``config/exercises`` are set on them (`training.limits`): rendering takes an hour, scoring what
was kept takes minutes.
"""

from __future__ import annotations

import argparse
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lbp_rehab.bench.cases import work_off
from lbp_rehab.bench.quality_case import Instant, follow
from lbp_rehab.synthetic.cases import WholeSet, quality_cases
from lbp_rehab.synthetic.draws import Split

_SUFFIX = ".set"


@dataclass(frozen=True)
class Followed:
    """A set of which only what was estimated and true is kept, without the images."""

    case: WholeSet
    instants: tuple[Instant, ...]


def kept(folder: Path) -> list[Path]:
    """Return the files of a folder that `main` wrote, in order."""
    return sorted(folder.glob(f"*{_SUFFIX}"))


def load(path: Path) -> Followed:
    """Read one of them; only your own, as it may run what it says."""
    followed: Followed = pickle.loads(zlib.decompress(path.read_bytes()))
    return followed


def _write(job: tuple[Path, WholeSet]) -> None:
    path, case = job
    if not path.exists():
        followed = Followed(case, tuple(instant for instant, _ in follow(case)))
        part = path.with_suffix(".part")
        part.write_bytes(zlib.compress(pickle.dumps(followed), 6))
        part.rename(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what is not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--sets", type=int, default=208, help="of all exercises together")
    parser.add_argument("--only", nargs="*", default=(), help="exercises to render; default: all")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args(arguments)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    cases = quality_cases(wanted.seed, wanted.sets, split=Split.TRAIN)
    # A second view of the same movement teaches little.
    firsts = {c.scenario.seed: replace(c, twin="") for c in reversed(cases)}
    jobs = [
        (wanted.folder / f"{k:05d}-{case.exercise}{_SUFFIX}", case)
        for k, case in enumerate(reversed(firsts.values()))
        if not wanted.only or case.exercise in wanted.only
    ]
    work_off(_write, jobs, wanted.jobs)


if __name__ == "__main__":
    # By its own name, so that what is pickled can be read by others.
    from lbp_rehab.training import followed  # noqa: PLW0406

    followed.main()
