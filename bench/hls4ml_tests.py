# SPDX-License-Identifier: Apache-2.0
"""hls4ml's own tests with the back end's name replaced: what passes, what is refused by name, what fails.

    python bench/hls4ml_tests.py CHECKOUT [--files softsign merge_pytorch] [--most N] [--seconds S] [--no-baseline]

CHECKOUT is a checkout of hls4ml 1.3.0 (its ``test/pytest``); run it with an environment that has tailrace, Keras 3 and
PyTorch. Every test file is copied into the working folder with the names of hls4ml's back ends replaced, by 'Tailrace'
and, for the baseline, by 'Vitis': what fails with both fails for a reason of the environment or of hls4ml. ``--most``
takes so many tests a file, evenly spread. Where TensorFlow is missing, ``tensorflow.keras`` is Keras 3 under that name.
The results are kept in ``results.jsonl``, so that a run that was stopped goes on; ends with a table in Markdown.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

BACKENDS = {"Vivado", "VivadoAccelerator", "Vitis", "Quartus", "Catapult", "oneAPI", "Libero"}

FILES = (
    "activations", "auto_precision", "batchnorm", "batchnorm_pytorch", "bit_exact_zeropadding", "causalpadding",
    "clone_flatten", "conv1d", "conv1d_narrow", "conv2d_narrow", "cropping", "depthconv1d", "depthconv2d",
    "dense_unrolled", "einsum_dense", "globalpooling", "graph", "keras_v3_api", "merge", "merge_pytorch",
    "multi_dense", "pointwiseconv", "pooling", "pytorch_api", "qonnx", "repack_stream", "reshape", "sepconv1d",
    "sepconv2d", "sequential_parsing_pytorch", "softmax", "softsign", "stream_clone", "trace", "transpose_concat",
    "types", "upsampling", "upsampling_pytorch", "weight_writer", "zeropadding", "zeropadding_pytorch_onnx",
)  # fmt: skip
"""Their files about the layers that tailrace maps."""

REFUSALS = ("UnsupportedError", "ModelError", "UsageError", "MappingError")
"""What tailrace raises where it refuses."""

PLUGIN = """
import json, os, pytest

def pytest_collection_modifyitems(config, items):
    most = int(os.environ["TESTS_AT_MOST"])
    if most and len(items) > most:
        step = len(items) / most
        kept = [items[int(i * step)] for i in range(most)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when != "call" and report.outcome == "passed":
        return
    error = call.excinfo
    line = {"test": item.nodeid, "outcome": report.outcome, "error": "", "text": ""}
    if error is not None:
        line["error"], line["text"] = error.type.__name__, str(error.value)[:2000]
    with open(os.environ["TEST_RESULTS"], "a") as log:
        log.write(json.dumps(line) + "\\n")
"""

SHIM = """
import sys, types, keras
sys.modules["tensorflow.keras"] = keras
for name in ("layers", "models", "utils", "optimizers", "regularizers", "initializers", "backend", "losses"):
    if hasattr(keras, name):
        sys.modules["tensorflow.keras." + name] = getattr(keras, name)
__version__ = "0"

def __getattr__(name):  # what Keras looks for in a TensorFlow that is imported: classes that nothing is one of
    if name.startswith("_"):
        raise AttributeError(name)
    return type(name, (), {})
random = types.SimpleNamespace(set_seed=keras.utils.set_random_seed)
"""


class Rename(ast.NodeTransformer):
    """Replace the names of back ends, and leave each entry of a list of parameters once."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Replace one name."""
        return ast.Constant(self.name) if node.value in BACKENDS else node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Replace the names in a call; the names of parameters go, as there may be fewer of them now."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "parametrize":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "ids"]
        return node

    def visit_List(self, node: ast.List) -> ast.List:
        """Replace the names in a list; equal entries become one where a name was replaced."""
        before = ast.dump(node)
        self.generic_visit(node)
        if ast.dump(node) != before:
            node.elts = list({ast.dump(entry): entry for entry in node.elts}.values())
        return node


def prepare(checkout: Path, folder: Path, name: str) -> Path:
    """Copy their tests into a folder with every back end called ``name``."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted((checkout / "test" / "pytest").glob("*.py")):
        tree = Rename(name).visit(ast.parse(path.read_text(encoding="utf-8")))
        (place / path.name).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    (place / "results_plugin.py").write_text(PLUGIN, encoding="utf-8")
    if find_spec("tensorflow") is None:
        shim = folder / "shim" / "tensorflow"
        shim.mkdir(parents=True, exist_ok=True)
        (shim / "__init__.py").write_text(SHIM, encoding="utf-8")
    return place


def run(place: Path, file: str, arguments: argparse.Namespace) -> list[dict[str, str]]:
    """Run one test file in a process of its own; returns a line a test, or one for the whole file."""
    results = place / f"{file}.jsonl"
    done = place / f"{file}.done"
    if done.is_file():
        return [json.loads(line) for line in done.read_text(encoding="utf-8").splitlines()]
    results.unlink(missing_ok=True)
    path = os.pathsep.join([str(place.parent / "shim"), str(place), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {
        "PYTHONPATH": path,
        "KERAS_BACKEND": "torch",
        "TEST_RESULTS": str(results.resolve()),
        "TESTS_AT_MOST": str(arguments.most),
    }
    if "tailrace" not in _backends():
        environment["HLS4ML_BACKEND_PLUGINS"] = "tailrace.hls4ml_backend"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "results_plugin", "-p", "no:cacheprovider"]
    command += ["-p", "no:randomly", f"test_{file}.py", "--rootdir", ".", "-c", os.devnull]
    try:
        ended = subprocess.run(
            command,
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=arguments.seconds,
            check=False,
        )
        said = ended.stdout
    except subprocess.TimeoutExpired:
        said = "out of time"
    lines = []
    if results.is_file():
        lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    if not lines:
        reason = next((row for row in reversed(said.splitlines()) if "Error" in row), said.strip()[-200:])
        lines = [{"test": file, "outcome": "not run", "error": "", "text": reason.strip()}]
    done.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return lines


def _backends() -> list[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415

    return [name.lower() for name in entry_points(group="hls4ml.backends").names]


def kind_of(line: dict[str, str], baseline: dict[str, str]) -> str:
    """Say what became of a test: passed, refused, skipped, failed, or failed with Vitis too."""
    if line["outcome"] in {"passed", "skipped", "not run"}:
        return line["outcome"]
    if line["error"] in REFUSALS:
        return "refused"
    name = line["test"].replace("Tailrace", "Vitis")
    return "fails with Vitis too" if baseline.get(name, "failed") != "passed" else "failed"


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--files", nargs="*", default=FILES)
    parser.add_argument("--most", type=int, default=0, help="tests a file at most, evenly spread; 0: all")
    parser.add_argument("--seconds", type=int, default=1800, help="a file may take so long")
    parser.add_argument("--no-baseline", action="store_true", help="do not run what fails with Vitis too")
    parser.add_argument("--folder", type=Path, default=Path("build/bench/hls4ml_tests"))
    arguments = parser.parse_args()
    ours = prepare(arguments.checkout, arguments.folder, "Tailrace")
    theirs = prepare(arguments.checkout, arguments.folder, "Vitis")
    table, reasons = [], Counter()
    columns = ("passed", "refused", "failed", "fails with Vitis too", "skipped", "not run")
    for file in arguments.files:
        lines = run(ours, file, arguments)
        baseline: dict[str, str] = {}
        failing = any(line["outcome"] == "failed" and line["error"] not in REFUSALS for line in lines)
        if failing and not arguments.no_baseline:
            baseline = {line["test"]: line["outcome"] for line in run(theirs, file, arguments)}
        kinds = [kind_of(line, baseline) for line in lines]
        counts = Counter(kinds)
        table.append(f"| {file} | " + " | ".join(str(counts[c] or "") for c in columns) + " |")
        print(table[-1], flush=True)
        for line, kind in zip(lines, kinds, strict=True):
            if kind in {"refused", "failed", "not run"}:
                first = line["text"].strip().splitlines()[:2] or [line["error"]]
                reasons[kind, " ".join(part.strip() for part in first)[:160]] += 1
    print(f"\n| file | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    print("\n".join(table))
    print("\n| | reason | tests |\n|---|---|---|")
    for (kind, reason), count in reasons.most_common():
        print(f"| {kind} | {reason.replace('|', '/')} | {count} |")


if __name__ == "__main__":
    main()
