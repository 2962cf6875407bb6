# SPDX-License-Identifier: Apache-2.0
"""E1 of a design: its graph as imported against the network's software, and its passes against that graph.

What is compared is in the process that made the plan, or in the build folder: ``graph/imported.json``, the encodings
of its tensors, and the network's file for the software to run. Nothing is imported a second time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch, TailraceError
from tailrace.design.folder import model_in, own, own_model
from tailrace.design.manifest import read_manifest
from tailrace.frontend import reference_of
from tailrace.graph import Graph
from tailrace.graph.values import samples
from tailrace.planning import serialize
from tailrace.verify.software import SoftwareResult, verify_software

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tailrace.graph.values import Values
    from tailrace.planning.plan import Plan
    from tailrace.verify.software import Reference

Array = NDArray[Any]

IMPORTED, CHANGED, LOWERED = "graph/imported.json", "graph/changed.json", "graph/lowered.json"
ENCODINGS = "graph/encodings.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """What the graph of a plan comes from: the graph as ``imported``, and as ``changed`` where a pass changed it.

    ``changed`` is ``imported`` itself where none did.
    """

    imported: Graph
    changed: Graph


def imported_files(graph: Graph) -> dict[str, str]:
    """Return the files that keep an imported graph, and what its software needs to be compared with it."""
    files = {IMPORTED: serialize.dumps(graph)}
    if graph.reference is not None:
        files[ENCODINGS] = json.dumps(graph.reference.stored(), separators=(",", ":")) + "\n"
    return files


def lowered_files(graph: Graph) -> dict[str, str]:
    """Return the files that keep a lowered graph, and the changed one that it was made of if it was changed."""
    files = {LOWERED: serialize.dumps(graph)}
    if graph.made_of is not None and graph.made_of.form == "changed":
        files[CHANGED] = serialize.dumps(graph.made_of)
    return files


def origin_of(plan: Plan, folder: Path) -> Origin:
    """Return what the graph of ``plan`` comes from; TailraceError where neither it nor the folder has that."""
    step = plan.graph.made_of
    changed = step if step is not None and step.form == "changed" else None
    imported = changed.made_of if changed is not None else step
    if imported is None:
        if not (folder / IMPORTED).is_file():
            raise _missing(folder)
        imported = _stored(folder, IMPORTED, plan)
        changed = _stored(folder, CHANGED, plan) if (folder / CHANGED).is_file() else None
    return Origin(imported=imported, changed=changed or imported)


def _stored(folder: Path, name: str, plan: Plan) -> Graph:
    graph: Graph = serialize.load(own(folder, name), Graph)
    if graph.sha256 != plan.graph.sha256:
        raise TailraceError(
            "this graph is of another network than plan.json",
            where=str(folder / name),
            hint="build again from the start, without --from",
        )
    return graph


def _missing(folder: Path) -> TailraceError:
    return TailraceError(
        "the network is not at hand to compare with",
        where=str(folder),
        hint="load the network with tailrace.load, or build with tailrace build",
    )


def reference(imported: Graph, folder: Path) -> Reference:
    """Return the network's software: that of the graph, or made of the folder's model and encodings."""
    found: Reference | None = imported.reference
    if found is not None:
        return found
    if model_in(folder) is None or not (folder / ENCODINGS).is_file():
        raise _missing(folder)
    path = own(folder, ENCODINGS)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        limits = read_manifest(folder).get("config", {}).get("limits")
        made: Reference = reference_of(own_model(folder), imported, stored, limits)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TailraceError(
            "this was not written by tailrace",
            where=str(path),
            hint="build again from the start: tailrace build MODEL",
        ) from None
    return made


def check_software(
    plan: Plan, origin: Origin, software: Reference, x: Values, hear: Callable[[int, int], None] | None = None
) -> SoftwareResult | None:
    """Compare software and imported graph, then changed and lowered graph, on network inputs ``x``.

    ``hear`` is told how many of how many vectors the software has run. Software that is not installed is left out:
    then the result is None unless the graphs differ.
    """
    imported = origin.imported
    x = imported.host.on_grid(x)
    result = None if software.missing else verify_software(imported, software, x, hear)
    q = imported.host.encode(x)
    lowered, wanted = plan.graph.run_frames(q), origin.changed.run_frames(q)
    if not np.array_equal(lowered, wanted):
        vector, place = (int(i) for i in np.argwhere(lowered != wanted)[0])
        layer, index = plan.graph.place_of_output(place)
        first = Mismatch(
            layer=layer,
            index=(vector, *index),
            expected=int(wanted[vector, place]),
            got=int(lowered[vector, place]),
            check="passes",
        )
        count = int((lowered != wanted).sum())
        found = result or SoftwareResult(
            vectors=samples(x), mismatches=0, framework_rounding=0, reference="the imported graph", tensors=1
        )
        result = replace(found, mismatches=found.mismatches + count, first=first)
    return result
