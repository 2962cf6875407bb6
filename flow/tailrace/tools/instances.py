# SPDX-License-Identifier: Apache-2.0
"""Synthesis of the instances of a design, in which equal blocks share one result, whatever they are called.

An instance's module carries the name of the design and its memory files that of the instance. Yosys gets it without
these names, so the skid buffers of a design, and those of the next one, are synthesized once.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.tools.cache import content_key
from tailrace.tools.process import workers
from tailrace.tools.yosys import ANY_NAME, Synthesis, synthesize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.targets.family import Family

MEMORY = "memory"
"""What the names of memory files begin with instead of the instance's."""

COMMENT = re.compile(r"//[^\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFiles:
    """The Verilog files of an instance: those of the library, and those of its own modules."""

    library: Sequence[str]
    own: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nameless:
    """An instance's modules without the names of design and instance: its text, and the memory files that it reads."""

    text: str
    memories: Mapping[str, Path]  # new name -> file

    @property
    def key(self) -> str:
        """A hash that equal instances share."""
        parts = [self.text]
        for name, path in self.memories.items():
            parts += [name, path.read_text(encoding="utf-8")]
        return content_key(parts)


def synthesize_instances(
    *,
    design: str,
    instances: Mapping[str, InstanceFiles],
    rtl: Path,
    folder: Path,
    family: Family,
    jobs: int,
    hear: Callable[[int, int], None] | None = None,
) -> dict[str, Synthesis]:
    """Synthesize every instance of ``design`` for ``family``, ``jobs`` at a time; ``hear`` is told how many of all.

    ``instances`` maps their names to the files (in ``rtl``) that they need. Their modules are ``<design>_<instance>``,
    and what these instantiate is in the library or begins with that name; what yosys made of one is in a folder of that
    name in ``folder``.

    Raises:
        ToolError: as :func:`tailrace.tools.yosys.synthesize`.

    """
    nameless = {
        name: _nameless(f"{design}_{name}", name, files.own, rtl) for name, files in instances.items()
    }

    def one(instance: str) -> tuple[str, Synthesis]:
        module = f"{design}_{instance}"
        place = folder / module
        place.mkdir(parents=True, exist_ok=True)
        source = place / f"{ANY_NAME}.v"
        source.write_text(nameless[instance].text, encoding="utf-8")
        for name, path in nameless[instance].memories.items():
            shutil.copyfile(path, place / name)
        found = synthesize(
            top=ANY_NAME,
            sources=[*(rtl / name for name in instances[instance].library), source],
            folder=place,
            family=family,
            name=module,
            memories=[Path(name) for name in nameless[instance].memories],
        )
        return instance, found

    first = {instance.key: name for name, instance in reversed(nameless.items())}  # one of each kind
    others = [instance for instance in instances if instance not in first.values()]
    found: dict[str, Synthesis] = {}
    with workers(jobs) as pool:
        for some in (first.values(), others):  # the others come out of the cache
            for instance, result in pool.map(one, some):
                found[instance] = result
                if hear:
                    hear(len(found), len(instances))
    return {instance: found[instance] for instance in instances}


def _nameless(module: str, instance: str, own: Sequence[str], rtl: Path) -> _Nameless:
    text = "".join((rtl / name).read_text(encoding="utf-8") for name in own)
    text = re.sub(rf"\b{re.escape(module)}(?=\b|_stage\d)", ANY_NAME, COMMENT.sub("", text))
    # A parameter is the name of a file, or what the names of several begin with.
    named = tuple(re.findall(rf'"({re.escape(instance)}_[^"\n]*)"', text))
    files = sorted(path for path in rtl.glob(f"{instance}_*.mem") if path.name.startswith(named))
    text = text.replace(f'"{instance}_', f'"{MEMORY}_')
    return _Nameless(
        text=text, memories={f"{MEMORY}_{path.name.removeprefix(f'{instance}_')}": path for path in files}
    )
