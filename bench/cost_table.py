# SPDX-License-Identifier: Apache-2.0
"""The table of synthesized blocks, ``bench/costs.csv.gz``: reading, writing, and the synthesis of a row.

One row is one block on one family. ``block`` is its kind; ``origin`` says where it comes from: ``random:INDEX`` of
cost_samples.py, or ``network/FOLDING/instance`` of costs.py; ``tool`` is the yosys that counted. ``lut`` to ``uram``
are what yosys made of it, ``analytic_*`` what the block's own ``cost`` says of it, ``features`` its ``features()`` as
JSON. LUTs are those of the family (see docs/install.md), block RAMs are of 18 kbit.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tailrace.emission.memory import memory_files
from tailrace.emission.rtl import instance_modules, library_files, module_names
from tailrace.planning.plan import Instance
from tailrace.tools.instances import InstanceFiles, synthesize_instances
from tailrace.tools.yosys import yosys_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.blocks.base import Block
    from tailrace.planning.plan import Plan
    from tailrace.targets.family import Family

TABLE = Path(__file__).with_name("costs.csv.gz")

COUNTS = ("lut", "ff", "carry", "dsp", "bram18", "uram")
COLUMNS = ("block", "origin", "family", "tool", *COUNTS, *(f"analytic_{name}" for name in COUNTS), "features")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A block on a family: what it is, what was estimated of it, what it became."""

    block: str
    origin: str
    family: str
    tool: str
    counts: dict[str, float]
    analytic: dict[str, float]
    features: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What the row is told from others by."""
        return self.block, self.origin, self.family


def number(value: float) -> str:
    """Write a number in short, exact to six digits."""
    return f"{value:.6g}"


def read(path: Path = TABLE) -> list[Row]:
    """Return the rows of the table; none where there is no table yet."""
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [
            Row(
                block=line["block"],
                origin=line["origin"],
                family=line["family"],
                tool=line["tool"],
                counts={name: float(line[name]) for name in COUNTS},
                analytic={name: float(line[f"analytic_{name}"]) for name in COUNTS},
                features=json.loads(line["features"]),
            )
            for line in csv.DictReader(file)
        ]


def write(rows: Iterable[Row], path: Path = TABLE) -> None:
    """Write the rows in order, the same bytes for the same rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.key):
        features = json.dumps({k: float(number(v)) for k, v in row.features.items()}, separators=(",", ":"))
        writer.writerow(
            [
                row.block,
                row.origin,
                row.family,
                row.tool,
                *(number(row.counts[name]) for name in COUNTS),
                *(number(row.analytic[name]) for name in COUNTS),
                features,
            ]
        )
    new = path.with_suffix(".new")
    with new.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(text.getvalue().encode())
    new.replace(path)


def counts_of(resources: Any) -> dict[str, float]:  # noqa: ANN401 - Resources
    """Return the counts of a set of resources by name."""
    return {name: float(getattr(resources, name)) for name in COUNTS}


def synthesized(block: Block, origin: str, family: Family) -> Row:
    """Synthesize one block as tailrace synthesizes an instance: its module, its memories, the library, the cache."""
    design = cast("Plan", SimpleNamespace(name="sample"))
    stream_in = tuple(f"in{n}" for n in range(len(block.inputs)))
    stream_out = tuple(f"out{n}" for n in range(len(block.outputs)))
    instance = Instance(name="block", block=block, node="block", inputs=stream_in, outputs=stream_out)
    library = library_files([block])
    files = {**library, **instance_modules(design, instance), **memory_files(instance)}
    with tempfile.TemporaryDirectory() as folder:
        rtl = Path(folder) / "rtl"
        rtl.mkdir()
        for name, text in files.items():
            (rtl / name).write_text(text, encoding="utf-8")
        found = synthesize_instances(
            design=design.name,
            instances={
                instance.name: InstanceFiles(library=list(library), own=module_names(design, instance))
            },
            rtl=rtl,
            folder=Path(folder) / "synth",
            family=family,
            jobs=1,
        )
    return Row(
        block=block.name,
        origin=origin,
        family=family.name,
        tool=yosys_version(),
        counts=counts_of(found[instance.name].resources),
        analytic=counts_of(block.cost(family)),
        features=block.features(),
    )
