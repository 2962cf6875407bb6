# SPDX-License-Identifier: Apache-2.0
"""A sweep from its points to the store: estimate all, then take the best through one stage after another.

Nothing is computed twice: what the store has is not asked for again, and what another sweep has begun is waited for.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import ModelError, TailraceError
from tailrace.design.exploration import tasks
from tailrace.design.exploration.front import Design, designs, front, spread
from tailrace.design.exploration.points import STAGES, Sweep, networks_of
from tailrace.design.exploration.store import LEASE, Estimate, Measurement, Score, new_owner, work_name
from tailrace.design.vectors import read_arrays
from tailrace.tools.cache import content_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tailrace.design.exploration.pool import Pool, Task
    from tailrace.design.exploration.store import Store

FLUSH_SECONDS = 1.0
"""Results are put into the file so often, which is open for no longer."""

POLL_SECONDS = 1.0
"""How often to look whether another sweep is done with what it has begun."""

Record = Estimate | Measurement | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a sweep: its designs, those of the last front, and how many results were computed and found."""

    designs: tuple[Design, ...]
    front: tuple[Design, ...]
    computed: int
    found: int
    problems: Mapping[str, int]


class Work:
    """The tasks of one step: they are claimed, run, and their results put into the store as they come."""

    def __init__(self, store: Store, pool: Pool, hear: Callable[[str], None]) -> None:
        self.store, self.pool, self.hear = store, pool, hear
        self.owner = new_owner()
        self.computed = 0
        self.problems: Counter[str] = Counter()
        self.buffer: list[Record] = []
        self.flushed = time.monotonic()

    def do(self, title: str, wanted: Mapping[str, Task], failed: Callable[[str, str], Record | None]) -> None:
        """Run ``wanted``, {work: task}, but for what other sweeps are at; wait for these.

        ``failed(work, message)`` makes the record of a task that could not be done.
        """
        waiting = dict(wanted)
        while waiting:
            free = self.store.claim(waiting, self.owner)
            done = finished(self.store)  # behind the claim: what another sweep has finished is there by now
            ours = {work: task for work, task in waiting.items() if work in free - done}
            if ours:
                self._run(title, ours, failed)
            waiting = {work: task for work, task in waiting.items() if work not in free | done}
            if waiting:
                self.hear(f"{title}: {len(waiting)} are another sweep's")
                time.sleep(POLL_SECONDS)

    def _run(
        self, title: str, wanted: Mapping[str, Task], failed: Callable[[str, str], Record | None]
    ) -> None:
        done = 0

        def take(work: str, result: Any) -> None:  # noqa: ANN401 - a record, or what went wrong
            nonlocal done
            done += 1
            if isinstance(result, (Estimate, Measurement, Score)):
                record: Record | None = result
            else:
                message = (
                    f"{type(result).__name__}: {result}" if isinstance(result, BaseException) else str(result)
                )
                self.problems[message.splitlines()[0]] += 1
                record = failed(work, message)
            if record is not None:
                self.buffer.append(record)
                self.computed += 1
            if time.monotonic() - self.flushed > FLUSH_SECONDS:
                self.flush()
            self.hear(f"{title}: {done} of {len(wanted)}")

        try:
            with self._renewed():
                self.pool.run(wanted, take)
        finally:
            self.flush()

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Renew the claims as long as the block runs, also while no result comes."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(LEASE / 3):
                self.store.write((), self.owner)

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def flush(self) -> None:
        """Put what has come into the store, and renew the claims."""
        records, self.buffer = self.buffer, []
        self.store.write(records, self.owner)
        self.flushed = time.monotonic()


def finished(store: Store) -> set[str]:
    """Return the work that is done for good: what failed for a reason outside of itself is tried again."""
    contents = store.read()
    records: tuple[Record, ...] = (*contents.estimates, *contents.measurements, *contents.scores)
    return {work_name(each) for each in records if getattr(each, "state", "done") != "failed"}


def explore(sweep: Sweep, store: Store, pool: Pool, hear: Callable[[str], None] = lambda _: None) -> Outcome:
    """Take a sweep as far as it asks for. Raises TailraceError for networks or vectors that cannot be read."""
    networks, vectors = networks_of(sweep.networks), _read(sweep)
    data = None if vectors is None else vectors[0]
    sources = {n.sha256: tasks.Source(file=n.path.name, content=n.path.read_bytes()) for n in networks}
    points = {point.key: point for point in sweep.points(networks)}
    done = finished(store)
    work = Work(store, pool, hear)

    def failed(name: str, message: str) -> Estimate:
        """Return the record of a point whose task could not be done; it is tried again by the next sweep."""
        point = points[name.partition(" ")[2]]
        return tasks.unplanned(sources[point.sha256], point, "failed", message)

    found = sum(f"estimate {key}" in done for key in points)
    try:
        work.do(
            "estimate",
            {
                f"estimate {key}": (tasks.estimate, (sources[point.sha256], point))
                for key, point in points.items()
                if f"estimate {key}" not in done
            },
            failed,
        )
        if vectors is not None:
            _score(sweep, vectors, sources, work, done)
        kept = front(designs(store.read(), list(points), data))
        for stage in STAGES[1 : STAGES.index(sweep.to) + 1]:
            chosen = spread(kept, sweep.most)
            wanted = {f"{stage} {d.estimate.design}": points[d.estimate.key] for d in chosen}
            found += len(wanted.keys() & done)
            work.do(
                stage,
                {
                    name: (
                        tasks.measure,
                        (sources[point.sha256], point, stage, name.partition(" ")[2], sweep.random_vectors),
                    )
                    for name, point in wanted.items()
                    if name not in done
                },
                lambda name, message: Measurement(
                    design=name.partition(" ")[2],
                    stage=name.partition(" ")[0],
                    state="failed",
                    message=message,
                ),
            )
            keys = {d.estimate.key for d in chosen}
            kept = front([d for d in designs(store.read(), list(points), data) if d.estimate.key in keys])
    finally:
        store.release(work.owner)
    contents = store.read()
    refused = Counter(
        (e.message or e.state).splitlines()[0]
        for e in contents.estimates
        if e.key in points and e.state != "planned"
    )
    return Outcome(
        designs=tuple(designs(contents, list(points), data)),
        front=tuple(kept),
        computed=work.computed,
        found=found,
        problems={**work.problems, **refused},
    )


def _read(sweep: Sweep) -> tuple[str, bytes] | None:
    """Return the hash and the .npz of the vectors with labels; None where there are none. Raises ModelError."""
    if sweep.vectors is None:
        return None
    arrays = read_arrays(sweep.vectors)
    if sweep.labels is not None:
        arrays["labels"] = read_arrays(sweep.labels)["inputs"]
    if "labels" not in arrays:
        return None
    inputs, labels = arrays["inputs"], arrays["labels"]
    if len(labels) != len(inputs):
        raise ModelError(
            f"{len(labels)} labels for {len(inputs)} network inputs",
            where=str(sweep.labels or sweep.vectors),
            hint="one label for each network input",
        )
    told = content_key([inputs.tobytes(), labels.tobytes(), repr((inputs.shape, sweep.input_type))])
    return told[:24], tasks.packed(inputs, labels)


def _score(
    sweep: Sweep, vectors: tuple[str, bytes], sources: Mapping[str, tasks.Source], work: Work, done: set[str]
) -> None:
    """Measure the accuracy of every network. Raises TailraceError where the vectors fit none of them."""
    data, content = vectors
    problems: list[str] = []
    names = {f"score {sha256} {data}": sha256 for sha256 in sources}
    work.do(
        "accuracy",
        {
            name: (tasks.score, (sources[sha256], sweep.input_type, sha256, data, content))
            for name, sha256 in names.items()
            if name not in done
        },
        lambda _, message: problems.append(message),
    )
    if problems and len(problems) == len(names):
        raise TailraceError(
            problems[0], where=str(sweep.vectors), hint="give inputs and labels of these networks"
        )


__all__ = ["Outcome", "explore"]
