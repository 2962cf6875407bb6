# SPDX-License-Identifier: Apache-2.0
"""An archive of a design that lives without tailrace: Verilog, memories, benches, vectors, Makefile, report."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

from tailrace.core.data import templates
from tailrace.emission.bench import copied_files
from tailrace.targets.families import synthesized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.packaging.core import Core

MODE = 0o644


def archive_files(core: Core, cocotb_bench: str, report: Mapping[str, str]) -> dict[str, str]:
    """Return {path: text} of the archive's folder; ``report`` are the report's files."""
    files = {f"rtl/{name}": text for name, text in {**core.sources, **core.memories}.items()}
    files["rtl/files.f"] = "".join(f"{name}\n" for name in core.sources)
    files |= {f"sim/{name}": text for name, text in core.vectors.items()}
    files |= {f"sim/{name}": text for name, text in copied_files().items()}
    files[f"sim/test_{core.top}.py"] = cocotb_bench
    files["sim/bench.cpp"] = core.bench
    for name in ("Makefile", "README.md"):
        template = templates("ip").get_template(f"archive_{name}.j2")
        files[name] = template.render(core=core, families=", ".join(each.name for each in synthesized()))
    return {**files, **report}


def pack_archive(files: Mapping[str, str], folder: str) -> bytes:
    """Return a .tar.gz of {path: text} below ``folder``: sorted, without times and owners, so always the same."""
    buffer = io.BytesIO()
    # gzip writes its own time and file name; both are left out.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, text in sorted(files.items()):
            content = text.encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(content), MODE
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
