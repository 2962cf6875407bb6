# SPDX-License-Identifier: Apache-2.0
"""Say whether the hardware files of every shared network are still the same bytes.

    .venv/bin/python bench/hardware_files.py --write build/bench/before.json        # on the tree before a change
    .venv/bin/python bench/hardware_files.py --compare build/bench/before.json      # on the tree after it

Plans and emits every network of ``../shared/models`` that maps, at three foldings each (small and middle for xczu7ev,
the planner's own choice for ecp5-85k), and keeps the sha256 of every file in ``rtl/``, ``hls/`` and ``sim/``. Nothing
is simulated. ``--compare`` prints each file that came, went or changed, and ends with 1 where there is one.
To run it on another checkout, set PYTHONPATH to that checkout's ``flow``: only the public interface is used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import tailrace as tr

ROOT = Path(__file__).resolve().parents[1]
CLOCK_MHZ = 100
FOLDERS = ("rtl", "hls", "sim")

CYCLES = {
    "gtsrb_12x12_w2a3": 1300,
    "radioml_cnn1d_2class": 1024,
    "lenet_w8a8_finnonnx_old": 8192,
    "qonnx_eltwise_chanlast": 65_536,
    "hls4ml_branched_chlast": 589_824,
    "espcn_subpixel_quant": 2_097_152,
}
"""Cycles a frame of the folding in the middle; 65,536 for the other image networks, 64 where that is too slow."""


def foldings(name: str, graph: tr.Graph) -> dict[str, dict[str, object]]:
    """Return {folding: options of tailrace.plan} of a network."""
    image = (
        (len(graph.tensors[graph.input].shape) == 3 and name in CYCLES) or "CNV" in name or "resnet" in name
    )
    middle = CYCLES.get(name, 65_536 if image else 64)
    own = {"part": "ecp5-85k", "clock_mhz": CLOCK_MHZ}
    if image:
        small: dict[str, object] = {"fps": CLOCK_MHZ * 1e6 / (4 * middle)}
        own["fps"] = CLOCK_MHZ * 1e6 / (2 * middle)
    else:
        small = {"fold": {"*": {"pe": "min", "simd": "min"}}}
    xilinx = {"part": "xczu7ev", "clock_mhz": CLOCK_MHZ}
    return {
        "small": {**xilinx, **small},
        "middle": {**xilinx, "fps": CLOCK_MHZ * 1e6 / middle},
        "own": own,
    }


def digests(folder: Path) -> dict[str, str]:
    """Return {path: sha256} of the hardware files of a build folder."""
    paths = [path for name in FOLDERS for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def measure(models: list[Path]) -> dict[str, dict[str, str]]:
    """Return {network/folding: {path: sha256}}; a network or folding that is refused has its reason instead."""
    found: dict[str, dict[str, str]] = {}
    for model in models:
        try:
            graph = tr.load(model)
        except tr.TailraceError as error:
            found[model.stem] = {"refused": type(error).__name__}
            continue
        for folding, options in foldings(model.stem, graph).items():
            start = time.perf_counter()
            try:
                plan = tr.plan(graph, **options)
            except tr.TailraceError as error:
                found[f"{model.stem}/{folding}"] = {"refused": type(error).__name__}
                continue
            with tempfile.TemporaryDirectory() as folder:
                tr.emit(plan, folder)
                found[f"{model.stem}/{folding}"] = digests(Path(folder))
            seconds = time.perf_counter() - start
            count = len(found[f"{model.stem}/{folding}"])
            print(f"{model.stem}/{folding}: {count} files, {seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def differences(
    before: dict[str, dict[str, str]], after: dict[str, dict[str, str]], folders: tuple[str, ...] = FOLDERS
) -> list[str]:
    """Return one line for each difference of the files in ``folders``."""
    lines = []
    for build in sorted(before.keys() | after.keys()):
        old, new = before.get(build), after.get(build)
        if old is None or new is None:
            lines.append(f"{build}: {'came' if old is None else 'went'}")
            continue
        for path in sorted(old.keys() | new.keys()):
            if path.split("/")[0] not in (*folders, "refused"):
                continue
            if old.get(path) != new.get(path):
                what = "came" if path not in old else "went" if path not in new else "changed"
                lines.append(f"{build}: {path} {what}")
    return lines


def main() -> int:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="*", default=None, help="networks, by name")
    parser.add_argument("--write", type=Path, help="write the digests to this file")
    parser.add_argument("--compare", type=Path, help="compare with the digests in this file")
    parser.add_argument(
        "--folders", nargs="*", default=FOLDERS, help="compare the files in these folders only"
    )
    arguments = parser.parse_args()
    models = sorted((arguments.shared / "models").glob("*.onnx"))
    models = [model for model in models if arguments.only is None or model.stem in arguments.only]
    if not models:
        parser.error(f"there are no such networks in {arguments.shared / 'models'}")
    found = measure(models)
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not arguments.compare:
        return 0
    before = json.loads(arguments.compare.read_text(encoding="utf-8"))
    if arguments.only is not None:
        before = {name: files for name, files in before.items() if name.split("/")[0] in arguments.only}
    lines = differences(before, found, tuple(arguments.folders))
    print(
        "\n".join(lines) or f"the same bytes: {sum(map(len, found.values())):,} files of {len(found)} builds"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
