# SPDX-License-Identifier: Apache-2.0
"""The 10,000 MNIST test images: integer graph, QONNX executor, Verilog; accuracy, speed and equality.

    .venv/bin/python bench/mnist.py [--shared ../shared] [--network TFC_2W2A] [--fps 1.5625e6] [--json FILE]

Seconds are CPU seconds of this process and its children; the Verilog runs at the folding for --fps at 100 MHz.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import tailrace as tr
from tailrace.core.packing import unpack
from tailrace.verify.hardware import rtl_simulator, words_of

EXECUTOR_IMAGES = 64


def cpu_seconds() -> float:
    """CPU seconds of this process and the children that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def read_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read images (10000, 1, 28, 28) uint8 and labels (10000,)."""
    images = gzip.decompress((folder / "mnist_t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "mnist_t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 1, 28, 28), np.frombuffer(labels, np.uint8)


def main() -> None:
    """Run and print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--network", default="TFC_2W2A")
    parser.add_argument("--fps", type=float, default=1.5625e6)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    graph = tr.load(options.shared / "models" / f"{options.network}.onnx")
    images, labels = read_mnist(options.shared / "data")
    x = (images / 255).astype(np.float32)

    start = cpu_seconds()
    y = graph.predict(x)
    graph_rate = len(x) / (cpu_seconds() - start)
    start = cpu_seconds()
    origin = graph.host.output.name
    reference = graph.reference.run(x[:EXECUTOR_IMAGES], [origin])[origin]
    executor_rate = EXECUTOR_IMAGES / (cpu_seconds() - start)
    assert np.array_equal(
        reference.reshape(EXECUTOR_IMAGES, -1), y[:EXECUTOR_IMAGES].reshape(EXECUTOR_IMAGES, -1)
    )
    accuracy = float((y.reshape(len(x), -1).argmax(axis=1) == labels).mean())

    plan = tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=options.fps)
    with tempfile.TemporaryDirectory() as folder:
        tr.emit(plan, folder, backends=("rtl",))
        start, wall = cpu_seconds(), time.perf_counter()
        simulator = rtl_simulator(plan, Path(folder))
        compile_seconds = time.perf_counter() - wall
        q = graph.host.encode(x)
        (port,) = plan.output_ports
        out = port.stream
        wall = time.perf_counter()
        run = simulator.run(words_of(plan, q), expect_words=[len(x) * out.words])
        run_seconds = time.perf_counter() - wall
        got = unpack(run.outputs[0], out.lanes, port.pad_bits, signed=out.type.signed).reshape(len(x), -1)
        different = int((got != graph.predict_int(q).reshape(len(x), -1)).sum())
    result = {
        "network": options.network,
        "accuracy_percent": round(100 * accuracy, 2),
        "graph_images_per_s": round(graph_rate),
        "executor_images_per_s": round(executor_rate, 1),
        "graph_over_executor": round(graph_rate / executor_rate),
        "rtl_interval_cycles": plan.interval_cycles,
        "rtl_images": len(x),
        "rtl_different_outputs": different,
        "rtl_compile_s": round(compile_seconds, 1),
        "rtl_run_s": round(run_seconds, 1),
    }
    print("| figure | value |\n|---|---|")
    for key, value in result.items():
        print(f"| {key} | {value} |")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
