# SPDX-License-Identifier: Apache-2.0
"""Compile one file, or take what an earlier bench compiled: ``object_cache.py FOLDER COMPILER ARGUMENT ...``.

Verilator's makefiles put this before the compiler (``OBJCACHE``), so that the benches compile its runtime once, not
each for itself. Only sources in Verilator's own folder are kept, which include nothing that a bench writes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main(folder: Path, command: list[str]) -> int:
    """Run ``command``, a compiler's, or put its output in place from ``folder``; returns the exit code."""
    source = Path(command[-1])
    if "-c" not in command or "verilator/include" not in source.as_posix():
        return subprocess.call(command)
    place = command.index("-o") + 1
    output = Path(command[place])
    known = [*command[:place], *command[place + 1 :], source.read_text(encoding="utf-8")]
    kept = folder / f"{hashlib.sha256(repr(known).encode()).hexdigest()}.o"
    if not kept.exists():
        code = subprocess.call(command)
        if code == 0:
            folder.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(output, part)
            part.replace(kept)
        return code
    shutil.copyfile(kept, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
