# SPDX-License-Identifier: Apache-2.0
"""Where the tasks of a sweep run: on ``dask.distributed``, a cluster of this machine or one that is there already.

A worker that dies costs its task only: the scheduler gives it to another one. Where the scheduler itself goes away, the
pool connects again and hands in anew what has not come back.
"""

from __future__ import annotations

import importlib
import logging
import time
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Task = tuple["Callable[..., Any]", tuple[Any, ...]]

JOBQUEUES: Mapping[str, str] = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
"""Batch systems, and the class of dask-jobqueue that starts workers there as the user's jobqueue.yaml says."""

PATIENCE = 60.0
"""Seconds to wait for a scheduler that has gone away."""


class Pool:
    """Runs tasks; ``connect`` opens a client of the cluster, again after it was lost."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self.connect = connect

    def run(self, tasks: Mapping[str, Task], take: Callable[[str, Any], None]) -> None:
        """Run ``{name: (function, arguments)}``; ``take(name, result or Exception)`` is called as they come back."""
        waiting = dict(tasks)
        lost = 0.0
        while waiting:
            before = len(waiting)
            try:
                with self.connect() as client:
                    self._round(client, waiting, take)
                    continue
            except (OSError, TimeoutError) as error:
                problem = error
            lost = time.monotonic() if len(waiting) < before or not lost else lost
            if time.monotonic() - lost > PATIENCE:
                raise ToolError(
                    f"the cluster has gone away: {problem}",
                    hint="start its scheduler again, then the same command: what is done stays done",
                )
            time.sleep(0.5)

    def _round(self, client: Any, waiting: dict[str, Task], take: Callable[[str, Any], None]) -> None:  # noqa: ANN401
        """Hand in what is waiting, and take what comes back until nothing waits; OSError where the cluster is lost."""
        from distributed import as_completed  # noqa: PLC0415

        sent: dict[int, Any] = {}
        names = {}
        for name, (function, arguments) in waiting.items():
            # What many tasks share (the network) goes over the wire once.
            ready = tuple(
                sent.setdefault(id(each), client.scatter(each, hash=False))
                if _large(each) and id(each) not in sent
                else sent.get(id(each), each)
                for each in arguments
            )
            names[client.submit(function, *ready, pure=False)] = name
        for future in as_completed(list(names), loop=client.loop):  # type: ignore[no-untyped-call]
            try:
                result = future.exception() or future.result()
            except CancelledError as error:
                result = error
            if isinstance(result, CancelledError):
                raise OSError("its scheduler was lost")
            take(names[future], result)
            waiting.pop(names[future])
            future.release()


def _large(argument: object) -> bool:
    """Whether an argument is worth a message of its own."""
    return hasattr(argument, "content") or (isinstance(argument, bytes) and len(argument) > 10_000)


@contextmanager
def pool(cluster: str | None, jobs: int) -> Iterator[Pool]:
    """Open a pool: ``jobs`` processes of this machine, the scheduler ``tcp://...``, or a batch system by its name.

    Raises UsageError where the cluster cannot be, or what it needs is not installed.
    """
    distributed = _module("distributed", "tailrace explore spreads its tasks with dask.distributed")
    start = _starter(cluster, jobs, distributed)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    own: list[Any] = []

    def connect() -> Any:  # noqa: ANN401 - dask's client; the cluster starts when the first task is there
        if start is not None and not own:
            own.append(start())
        return distributed.Client(own[0] if own else cluster, timeout=5, set_as_default=False)

    try:
        yield Pool(connect)
    finally:
        for each in own:
            each.close()


def _starter(cluster: str | None, jobs: int, distributed: Any) -> Callable[[], Any] | None:  # noqa: ANN401 - a module
    """Return what starts the cluster; None where it is there already."""
    if cluster is None:
        return lambda: distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    if "://" in cluster:
        return None
    if cluster not in JOBQUEUES:
        raise UsageError(
            f"--cluster {cluster} is no cluster",
            hint=f"tcp://HOST:PORT of a dask scheduler, or one of {', '.join(JOBQUEUES)}",
        )
    queue = _module("dask_jobqueue", f"a cluster on {cluster} is started with dask-jobqueue", "dask-jobqueue")

    def start() -> Any:  # noqa: ANN401 - a cluster of dask-jobqueue
        found = getattr(queue, JOBQUEUES[cluster])()
        found.scale(jobs=jobs)
        return found

    return start


def _module(name: str, why: str, package: str = "") -> Any:  # noqa: ANN401 - a module, which may be missing
    try:
        return importlib.import_module(name)
    except ImportError:
        wanted = package or "'tailrace[explore]'"
        raise UsageError(f"{why}, which is not installed", hint=f"pip install {wanted}") from None
