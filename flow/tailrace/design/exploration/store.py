# SPDX-License-Identifier: Apache-2.0
"""The results of sweeps in one DuckDB file: each point by its hash, each measured design by the hash of its plan.

The file is open only while rows go in or out, so that sweeps that run at the same time share it; what one has begun
the others leave alone, until its lease ends.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import TailraceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

SCHEMA = 1

PATIENCE = 60.0
"""Seconds to wait for another sweep that has the file open."""

LEASE = 60.0
"""Seconds for which what was begun belongs to a sweep on another machine that says no more."""

TYPES: Mapping[str, str] = {"str": "TEXT", "float": "DOUBLE", "int": "BIGINT", "bool": "BOOLEAN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A point as planned. ``state`` is ``planned``, ``impossible`` (``message`` says why) or ``failed`` (tried again).

    ``design`` is the hash of the plan: points that lead to the same hardware share what is measured of it. Cells are
    the plan's estimate, ``latency_us`` from the first word in to the last word out.
    """

    key: str
    network: str
    sha256: str
    part: str
    family: str
    clock_mhz: float
    fps_asked: float | None
    engine: str
    minimize: str | None
    command: str
    state: str
    message: str | None = None
    design: str | None = None
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    fps: float | None = None
    latency_us: float | None = None
    lut: float | None = None
    ff: float | None = None
    dsp: float | None = None
    bram18: float | None = None
    fits: bool | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A design after a stage: ``state`` is ``done``, ``wrong`` (hardware and model disagree) or ``failed``."""

    design: str
    stage: str
    state: str
    message: str | None = None
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    vectors: int | None = None
    mismatches: int | None = None
    lut: float | None = None
    ff: float | None = None
    dsp: float | None = None
    bram18: float | None = None
    fmax_mhz: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many of ``total`` samples, the file ``data`` by its hash, a network gets right."""

    sha256: str
    data: str
    correct: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that is in the file."""

    estimates: tuple[Estimate, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    scores: tuple[Score, ...] = field(default=())


TABLES: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "estimates": (Estimate, ("key",)),
    "measurements": (Measurement, ("design", "stage")),
    "scores": (Score, ("sha256", "data")),
}
"""{table: (its record, its key)}."""


class Store:
    """The file ``path`` of results, made if need be. Raises TailraceError where it is something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.busy = threading.Lock()
        new = not path.exists()
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
        with self.open() as connection:
            tables = {
                name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            }
            if tables and "sweep_schema" not in tables:
                raise self._foreign("it holds other tables")
            if not tables:
                self._create(connection)
            found = connection.execute("SELECT version FROM sweep_schema").fetchone()
            if found != (SCHEMA,):
                raise self._foreign(
                    f"it was written with schema {found[0] if found else 'none'}, this one is {SCHEMA}"
                )

    def _create(self, connection: duckdb.DuckDBPyConnection) -> None:
        for table, (record, key) in TABLES.items():
            columns = ", ".join(f"{item.name} {_column(str(item.type))}" for item in fields(record))
            connection.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(key)}))")
        connection.execute("CREATE TABLE claims (work TEXT PRIMARY KEY, owner TEXT, until DOUBLE)")
        connection.execute("CREATE TABLE sweep_schema (version INTEGER)")
        connection.execute("INSERT INTO sweep_schema VALUES (?)", [SCHEMA])

    def _foreign(self, why: str) -> TailraceError:
        return TailraceError(
            f"this is no file of tailrace explore: {why}",
            where=str(self.path),
            hint="name another file with -o, or move this one away",
        )

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file in a transaction, waiting for other sweeps that have it open."""
        with self.busy:
            yield from self._open()

    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        duckdb = _duckdb()
        end = time.monotonic() + PATIENCE
        while True:
            try:
                connection = duckdb.connect(str(self.path))
                break
            except duckdb.Error as error:
                if "lock" not in str(error).lower():
                    raise self._foreign(str(error).splitlines()[0]) from None
                if time.monotonic() > end:
                    raise TailraceError(
                        "another program has the file open",
                        where=str(self.path),
                        hint="close it, or name another file with -o",
                    ) from None
                time.sleep(0.05)
        try:
            connection.begin()
            yield connection
            connection.commit()
        finally:
            connection.close()

    def read(self) -> Contents:
        """Return all results, in the order of their keys."""
        with self.open() as connection:
            found = {}
            for table, (record, key) in TABLES.items():
                names = ", ".join(item.name for item in fields(record))
                query = f"SELECT {names} FROM {table} ORDER BY {', '.join(key)}"  # noqa: S608 - our own names
                rows = connection.execute(query).fetchall()
                found[table] = tuple(
                    record(**dict(zip((item.name for item in fields(record)), row, strict=True)))
                    for row in rows
                )
        return Contents(**found)

    def write(self, records: Sequence[Estimate | Measurement | Score], owner: str = "") -> None:
        """Put results in, in the place of earlier ones, and give up the claims to them; renew the owner's others."""
        if not records and not owner:
            return
        with self.open() as connection:
            for table, (record, _) in TABLES.items():
                rows = [list(asdict(item).values()) for item in records if isinstance(item, record)]
                if rows:
                    marks = ", ".join("?" * len(fields(record)))
                    query = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608 - our own names
                    connection.executemany(query, rows)
            if owner:
                connection.execute(
                    "UPDATE claims SET until = ? WHERE owner = ?", [time.time() + LEASE, owner]
                )
            for item in records:
                connection.execute("DELETE FROM claims WHERE work = ?", [work_name(item)])

    def claim(self, works: Collection[str], owner: str) -> set[str]:
        """Return those of ``works`` that nobody else is at; they are now the owner's."""
        with self.open() as connection:
            now = time.time()
            connection.execute("DELETE FROM claims WHERE until < ?", [now])
            claims = connection.execute("SELECT work, owner FROM claims").fetchall()
            taken = {work for work, by in claims if by != owner and not gone(by)}
            free = set(works) - taken
            if free:
                rows = [[work, owner, now + LEASE] for work in sorted(free)]
                connection.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", rows)
        return free

    def release(self, owner: str) -> None:
        """Give up all claims of the owner."""
        with self.open() as connection:
            connection.execute("DELETE FROM claims WHERE owner = ?", [owner])


def new_owner() -> str:
    """Return a name for a sweep of this process, which others can tell to be gone."""
    return f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"


def gone(owner: str) -> bool:
    """Whether a sweep is known to run no more: it was on this machine, and its process is not there."""
    host, pid, _ = owner.rsplit(" ", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def work_name(record: Estimate | Measurement | Score) -> str:
    """Return what a result is the result of, as claims name it."""
    match record:
        case Estimate():
            return f"estimate {record.key}"
        case Measurement():
            return f"{record.stage} {record.design}"
        case _:
            return f"score {record.sha256} {record.data}"


def _column(annotation: str) -> str:
    kind, _, rest = annotation.partition(" | ")
    return TYPES[kind] + ("" if rest else " NOT NULL")


def _duckdb() -> Any:  # noqa: ANN401 - the module, which may be missing
    try:
        import duckdb  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "tailrace explore keeps its results with duckdb, which is not installed",
            hint="pip install 'tailrace[explore]'",
        ) from None
    return duckdb
