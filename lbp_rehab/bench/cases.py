"""What a benchmark needs of its cases, where they come from, and how they are worked off.

A case is a short clip of one synthetic person with the truth of every frame. Cases are small
descriptions that travel to the worker processes; the images are made there, while a case is
iterated.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose

GENERATOR = "lbp_rehab.synthetic.cases"
NEEDED = ("anny", "numba")  # of the optional part that makes the cases

C = TypeVar("C")
R = TypeVar("R")


class Described(Protocol):
    """What every case says about itself; all of it is text to group and to label by.

    Attributes
    ----------
    name : str
        Unlike that of any other case.
    seed : int
        From which this one case can be made again.
    exercise, view, condition, posture, person : str
        For example "glute_bridge", "low/left", "blanket", "supine" and a summary of the body.
    faults : sequence of str
        Names of the faults that the movement shows.

    A case may also have a ``camera``: the name of the sensor, for example "d435".
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def exercise(self) -> str: ...  # noqa: D102
    @property
    def faults(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def view(self) -> str: ...  # noqa: D102
    @property
    def condition(self) -> str: ...  # noqa: D102
    @property
    def posture(self) -> str: ...  # noqa: D102
    @property
    def person(self) -> str: ...  # noqa: D102


class TrueFrame(Protocol):
    """One image with what is true in it.

    Attributes
    ----------
    frame : RgbdFrame
    pose : BodyPose
        All keypoints of `lbp_rehab.pose.skeleton.NAMES` in the optical frame; ``visibility`` 1
        where nothing lies before the point, else 0; ``support`` the true plane.
    pelvis : PelvisState
        Absolute and relative to the patient's true neutral.
    box : sequence of float
        x0, y0, x1, y1 of the patient in the image in pixels; without area: not in the image.
    covered : ndarray of bool, shape (33,)
        Under a blanket or behind something that is not the patient.
    neutral : bool
        The frame belongs to the rest in which the neutral is calibrated.

    It may also have ``area_px``: the number of pixels that show the patient; 0: none.
    """

    @property
    def frame(self) -> RgbdFrame: ...  # noqa: D102
    @property
    def pose(self) -> BodyPose: ...  # noqa: D102
    @property
    def pelvis(self) -> PelvisState: ...  # noqa: D102
    @property
    def box(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def covered(self) -> NDArray[np.bool_]: ...  # noqa: D102
    @property
    def neutral(self) -> bool: ...  # noqa: D102


class Case(Described, Protocol):
    """A clip of continuous movement; iterated, it gives its frames in the order of time."""

    def __iter__(self) -> Iterator[TrueFrame]: ...


class TrueFault(Protocol):
    """A fault as it was put in; ``severity`` is 0 (none) to 1 (as bad as the library has it)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> float: ...  # noqa: D102


class TrueRepetition(Protocol):
    """One repetition as it was made; ``counts``: whether a therapist would count it."""

    @property
    def start_ns(self) -> int: ...  # noqa: D102
    @property
    def end_ns(self) -> int: ...  # noqa: D102
    @property
    def counts(self) -> bool: ...  # noqa: D102
    @property
    def faults(self) -> Sequence[TrueFault]: ...  # noqa: D102


class SetCase(Case, Protocol):
    """A case that shows whole repetitions."""

    @property
    def repetitions(self) -> Sequence[TrueRepetition]: ...  # noqa: D102


def draw(kind: str, seed: int, amount: int, **settings: bool) -> Sequence[Any]:
    """Return the cases of a benchmark.

    Parameters
    ----------
    kind : str
        "pose", "emg" or "quality": the generator's function ``KIND_cases(seed, amount)``.
    seed : int
        Another one draws people, movements, rooms and cameras anew.
    amount : int
        About so many frames ("pose"), sets ("quality") or recordings ("emg").
    settings
        Further ones of the function.

    Raises
    ------
    InputError
        If the optional part is missing.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"the synthetic patient needs {' and '.join(missing)}; install it with "
            "pip install 'lbp-rehab[synthetic]'"
        )
    make = getattr(importlib.import_module(GENERATOR), f"{kind}_cases")
    cases: Sequence[Any] = make(seed, amount, **settings)
    if not cases:
        raise InputError("there is no case to measure; ask for more frames or recordings")
    return cases


def work_off(work: Callable[[C], R], cases: Sequence[C], jobs: int) -> list[R]:
    """Return the result of every case, in the order of the cases, whoever did them when.

    Parameters
    ----------
    work : callable
        Of a module, so that worker processes can import it.
    cases : sequence
    jobs : int
        Worker processes; 1: none, the work is done here.

    Raises
    ------
    InputError
        If a worker dies.
    """

    def shown(results: Iterable[R]) -> list[R]:
        return list(tqdm(results, total=len(cases), unit="case", file=sys.stderr, smoothing=0.05))

    if jobs == 1:
        _single_threaded()
        return shown(map(work, cases))
    # Spawned, not forked: a forked interpreter shares the locks of threads that it does not have.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, context, _start_worker) as pool:
        try:
            return shown(pool.map(work, cases))
        except BrokenProcessPool:
            raise InputError(
                "a worker process of the benchmark died, perhaps for want of memory; try --jobs 1"
            ) from None
        except KeyboardInterrupt:
            # Who presses Ctrl-C does not wait for the cases that are being worked on.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C goes to every process of a terminal; the one that hands out the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _single_threaded()


def _single_threaded() -> None:
    """Keep OpenCV on one thread, as `environment` does the rest: the workers fill the cores."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)


def groups(labels: Iterable[str]) -> Mapping[str, list[int]]:
    """Return which items carry each label, labels sorted."""
    found: dict[str, list[int]] = {}
    for k, label in enumerate(labels):
        found.setdefault(label, []).append(k)
    return dict(sorted(found.items()))
