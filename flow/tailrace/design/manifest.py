# SPDX-License-Identifier: Apache-2.0
"""``build.json``: from which network a build folder is, with which options, and which of its stages are done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tailrace import __version__
from tailrace.core.errors import TailraceError
from tailrace.design.config import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "build.json"
SCHEMA = 1

STAGES = ("import", "plan", "emit", "verify", "synth", "report")
"""The stages of a build, in order."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return ``build.json`` of a folder, an empty dict where there is none; TailraceError where it is damaged."""
    path = folder / MANIFEST
    hint = f"delete {path} and everything beside it, or choose another folder with -o"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise TailraceError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check permissions"
        ) from None
    except ValueError:
        raise TailraceError("this is not whole JSON", where=str(path), hint=hint) from None
    shapes = {"config": dict, "stages": dict, "model": dict}
    if not isinstance(manifest, dict) or not all(isinstance(manifest.get(k), t) for k, t in shapes.items()):
        raise TailraceError("this was not written by tailrace", where=str(path), hint=hint)
    if manifest.get("schema") != SCHEMA:
        raise TailraceError(
            f"this has the schema {manifest.get('schema')!r}, and this tailrace ({__version__}) knows {SCHEMA}",
            where=str(path),
            hint=hint,
        )
    manifest["config"] = {k: v for k, v in manifest["config"].items() if k in (*OPTIONS, "layers")}
    return manifest


def write_manifest(
    folder: Path, config: Mapping[str, Any], model: Mapping[str, Any], stages: Mapping[str, Any]
) -> None:
    """Write ``build.json`` whole or not at all."""
    manifest = {"schema": SCHEMA, "tailrace": __version__, "model": model, "config": config, "stages": stages}
    temporary = folder / f".{MANIFEST}"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST)
