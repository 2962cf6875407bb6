# SPDX-License-Identifier: Apache-2.0
"""``build.json``: from which network a build folder is, with which options, and which of its stages are done.

A stage, and with it all later ones, is taken off the list before it writes, and put back when all is written, so an
interrupted build is never taken for a whole one.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tailrace import __version__
from tailrace.core.errors import TailraceError
from tailrace.design.config import OPTIONS, make_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.design.config import Config

MANIFEST = "build.json"
SCHEMA = 1

STAGES = ("import", "plan", "emit", "verify", "synth", "report")
"""The stages of a build, in order."""

VECTORS = ("vectors.npy", "vectors.npz")
"""What a build folder calls its copy of the user's vectors."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return ``build.json`` of a folder, an empty dict where there is none.

    What stands in it is checked as if a stranger had written it: TailraceError where it is damaged, names stages or
    options that do not exist, or a file outside the folder.
    """
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
    except (ValueError, RecursionError):
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
    manifest["config"] = {k: v for k, v in manifest["config"].items() if k in (*OPTIONS, "layers", "tools")}
    fault = _fault(manifest)
    if fault:
        raise TailraceError(f"this was not written by tailrace: {fault}", where=str(path), hint=hint)
    return manifest


def _fault(manifest: Mapping[str, Any]) -> str | None:
    """Say what in a manifest tailrace never writes; None if there is nothing."""
    for name, done in manifest["stages"].items():
        if name not in STAGES:
            return f"there is no stage {name!r}"
        seconds = done.get("seconds") if isinstance(done, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            return f"the seconds of the stage {name} are {seconds!r}"
        if not math.isfinite(seconds) or seconds < 0:
            return f"the seconds of the stage {name} are {seconds!r}"
    for key in ("name", "sha256"):
        if not isinstance(manifest["model"].get(key, ""), str):
            return f"the model's {key} is {manifest['model'][key]!r}"
    try:
        config = make_config(manifest["config"])
    except TailraceError as error:
        return error.message
    if config.vectors is not None and config.vectors not in VECTORS:
        return f"the vectors are {config.vectors!r}, and its own are called {' or '.join(VECTORS)}"
    return None


def write_manifest(
    folder: Path, config: Mapping[str, Any], model: Mapping[str, Any], stages: Mapping[str, Any]
) -> None:
    """Write ``build.json`` whole or not at all."""
    manifest = {"schema": SCHEMA, "tailrace": __version__, "model": model, "config": config, "stages": stages}
    temporary = folder / f".{MANIFEST}"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST)


def take_off(folder: Path, stage: str, config: Config) -> None:
    """Take a stage and all later ones off the list, and write down the options from now on."""
    old = read_manifest(folder)
    done = old.get("stages", {})
    kept = {name: done[name] for name in STAGES[: STAGES.index(stage)] if name in done}
    write_manifest(folder, asdict(config), old.get("model", {}), kept)


def put_back(folder: Path, stage: str, seconds: float, model: Mapping[str, str] | None = None) -> None:
    """Put a stage that is done on the list of a build folder, if it has one; ``model`` is the network from now on."""
    old = read_manifest(folder)
    if old:
        done = {**old["stages"], stage: {"seconds": round(seconds, 2)}}
        ordered = {name: done[name] for name in STAGES if name in done}
        write_manifest(folder, old["config"], old["model"] if model is None else model, ordered)


def seconds_of(folder: Path) -> dict[str, float]:
    """Return the seconds of the stages that are done, in order."""
    done = read_manifest(folder).get("stages", {})
    return {name: done[name]["seconds"] for name in STAGES if name in done}


def require_stages(folder: Path, stages: tuple[str, ...], why: str) -> None:
    """Raise TailraceError where ``build.json`` of ``folder`` lacks one of ``stages``."""
    done = read_manifest(folder).get("stages", {})
    missing = [name for name in stages if name not in done]
    if missing:
        command = f"tailrace build MODEL -o {folder}"
        raise TailraceError(
            f"the stage {missing[0]} is not done, so {why}",
            where=str(folder),
            hint=f"{command} --from {missing[0]}" if missing[0] != "import" else command,
        )
