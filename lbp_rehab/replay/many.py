"""Many replays side by side: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from lbp_rehab.errors import InputError
from lbp_rehab.replay.jobs import Job, Outcome, run

KILLED = "not done: a process was killed, perhaps for want of memory; try fewer --jobs"
WORKERS_S = 10  # to wait for the first worker
_worker = threading.Lock()


def outcomes(jobs: Sequence[Job], processes: int = 1, scheduler: str = "") -> Iterator[Outcome]:
    """Yield the outcome of each job as it comes; where a job ran changes nothing in it.

    Parameters
    ----------
    jobs : sequence of Job
    processes : int
    scheduler : str
        Address of a Dask scheduler, such as ``tcp://host:8786``, whose workers have this package
        and see the same files; empty: here.

    Raises
    ------
    InputError
        If the scheduler does not answer, or Dask is not installed.
    """
    if scheduler:
        yield from _on_cluster(jobs, scheduler)
    elif processes <= 1 or len(jobs) <= 1:
        for job in jobs:
            try:
                yield run(job)
            except Exception as error:  # of a node: the other recordings are replayed all the same
                yield _broken(job, error)
    else:
        yield from _beside(jobs, processes)


def _beside(jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    # Not forked: the libraries' threads do not survive it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=context) as pool:
        waiting = {pool.submit(run, job): job for job in jobs}
        for done in as_completed(waiting):
            try:
                yield done.result()
            except BrokenProcessPool:
                yield Outcome(waiting[done], KILLED)
            except Exception as error:
                yield _broken(waiting[done], error)


def _broken(job: Job, error: BaseException) -> Outcome:
    reason = " ".join(str(error).split())
    return Outcome(job, f"the replay broke off: {type(error).__name__}: {reason}")


def _alone(job: Job, folder: Path) -> Outcome:
    """Replay in a worker's thread: one at a time, and with the paths of who asked for it."""
    with _worker:
        os.chdir(folder)
        return run(job)


def _on_cluster(jobs: Sequence[Job], scheduler: str) -> Iterator[Outcome]:
    try:
        from distributed import Client, as_completed  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise InputError(
            "--scheduler needs Dask; install it with 'pip install lbp-rehab[cluster]'"
        ) from None
    try:
        client: Any = Client(scheduler, timeout="10s")
    except Exception as error:  # by address: of a name, a port, a protocol, a socket
        reason = " ".join(str(error).split())
        raise InputError(f"the Dask scheduler '{scheduler}' does not answer: {reason}") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise InputError(f"the Dask scheduler '{scheduler}' has no workers") from None
        # A replay is the same wherever it runs, but not what its files hold: nothing is cached.
        here = Path.cwd()
        submitted = [(client.submit(_alone, job, here, pure=False), job) for job in jobs]
        waiting = {future.key: (future, job) for future, job in submitted}
        for done in as_completed([future for future, _ in waiting.values()]):
            if done.status == "finished":
                yield done.result()
            else:
                yield _broken(waiting[done.key][1], done.exception())
