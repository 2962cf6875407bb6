# SPDX-License-Identifier: Apache-2.0
"""Compile the HLS C++ of many blocks with one g++ call and run them on frames.

    outputs = run_hls([HlsCase(block, (frames,)), ...], tmp_path)
    assert_array_equal(outputs[0][0], block.evaluate(frames))

What a block's function template gets, per case:

* ``P``: a struct with ``block.parameters()`` as ``static const int``, plus ``WORDS`` (words of a frame on the
  first input) and ``VECTORS`` (``block.vectors``) where the block has no parameters of these names, plus each
  memory as ``static const ap_int<bits>`` or ``ap_uint<bits>`` array ``[depth][elements]``;
* one ``hls::stream<ap_uint<lanes * bits> > &`` per input, then one per output; the outputs of ``fork``, all
  of one type, as one array of streams.

Each call must consume its frame and write exactly the words of one output frame; this is checked.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tailrace.core.data import data_folder
from tailrace.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tailrace.blocks.base import Block, Memory, Stream

BUILD_SECONDS = 300
RUN_SECONDS = 300

# HLS pragmas are unknown to g++.
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HlsCase:
    """A block and what to feed it: one (frames, lanes * words) int64 array per input, in stream order.

    ``output_types`` names the C++ types of the output streams' elements where they are not plain words; their
    member ``data`` is then compared.
    """

    block: Block
    frames: tuple[NDArray[np.int64], ...]
    output_types: tuple[str, ...] = ()


def run_hls(cases: Sequence[HlsCase], folder: Path) -> list[tuple[NDArray[np.int64], ...]]:
    """Compile and run all cases; return, for each, one (frames, lanes * words) int64 array per output."""
    folder.mkdir(parents=True, exist_ok=True)
    headers = sorted({f"tr_{case.block.name}.hpp" for case in cases})
    text = [
        "// SPDX-License-Identifier: Apache-2.0",
        '#include "hls_harness.hpp"',
        *(f'#include "{header}"' for header in headers),
        *(_case_text(index, case) for index, case in enumerate(cases)),
        "int main() {",
        *(f"    run{index}();" for index in range(len(cases))),
        "    return 0;",
        "}",
    ]
    (folder / "main.cpp").write_text("\n".join(text) + "\n")
    for index, case in enumerate(cases):
        for port, frames in enumerate(case.frames):
            (folder / f"case{index}_in{port}.bin").write_bytes(frames.astype("<i8").tobytes())
    command = [
        "g++", "-std=c++14", "-O1", *WARNINGS, "-isystem", str(ap_types()),
        "-I", str(data_folder("templates_hls")), "-I", str(Path(__file__).parent), "main.cpp", "-o", "main",
    ]  # fmt: skip
    run(command, cwd=folder, log=folder / "g++.log", timeout_seconds=BUILD_SECONDS)
    run([str(folder.resolve() / "main")], cwd=folder, log=folder / "main.log", timeout_seconds=RUN_SECONDS)
    return [
        tuple(
            _read_frames(folder / f"case{index}_out{port}.bin", stream, len(case.frames[0]))
            for port, stream in enumerate(case.block.outputs)
        )
        for index, case in enumerate(cases)
    ]


def ap_types() -> Path:
    """Return the folder of the ap_types headers in hls4ml's wheel, without importing hls4ml."""
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        raise RuntimeError("hls4ml is not installed: pip install tailrace[hls]")
    return Path(spec.origin).parent / "templates" / "vivado" / "ap_types"


def _case_text(index: int, case: HlsCase) -> str:
    """Return the parameter struct of a case and the function that runs its frames."""
    block = case.block
    constants = {
        "WORDS": block.inputs[0].words,
        "VECTORS": getattr(block, "vectors", 1),
        **block.parameters(),
    }
    lines = [f"struct Case{index} {{"]
    lines += [f"    static const int {name} = {value};" for name, value in constants.items()]
    lines += [f"    static const {_array(memory, memory.name)};" for memory in block.memories()]
    lines += ["};"]
    for memory in block.memories():
        lines += [
            f"const {_array(memory, f'Case{index}::{memory.name}')} = {{",
            memory.c_rows().rstrip(),
            "};",
        ]
    lines += ["", f"static void run{index}() {{"]
    arguments = []
    for port, stream in enumerate(block.inputs):
        lines += [
            f'    harness::File in{port}("case{index}_in{port}.bin", "rb");',
            f'    hls::stream<ap_uint<{stream.bits}> > s{port}("s{port}");',
        ]
        arguments += [f"s{port}"]
    shared = block.name == "fork"
    element_types = case.output_types or tuple(f"ap_uint<{stream.bits}>" for stream in block.outputs)
    if shared:
        lines += [f"    hls::stream<{element_types[0]} > m[{len(block.outputs)}];"]
        arguments += ["m"]
    for port, element_type in enumerate(element_types):
        lines += [f'    harness::File out{port}("case{index}_out{port}.bin", "wb");']
        if not shared:
            lines += [f'    hls::stream<{element_type} > m{port}("m{port}");']
            arguments += [f"m{port}"]
    lines += [f"    for (long frame = 0; frame < {len(case.frames[0])}; frame++) {{"]
    for port, stream in enumerate(block.inputs):
        shape = f"{stream.lanes}, {stream.type.bits}"
        where = f'"case {index} ({block.name}) s{port}"'
        lines += [f"        harness::send<{shape}>({where}, in{port}, {stream.words}, s{port});"]
    lines += [f"        tr_{block.name}<Case{index}>({', '.join(arguments)});"]
    for port in range(len(block.inputs)):
        where = f'"case {index} ({block.name}) s{port}"'
        lines += [f'        if (!s{port}.empty()) harness::fail({where}, "left a part of the frame unread");']
    for port, stream in enumerate(block.outputs):
        shape = f"{stream.lanes}, {stream.type.bits}"
        where = f'"case {index} ({block.name}) m{port}"'
        name = f"m[{port}]" if shared else f"m{port}"
        lines += [f"        harness::receive<{shape}>({where}, out{port}, {stream.words}, {name});"]
    lines += ["    }", "}", ""]
    return "\n".join(lines)


def _array(memory: Memory, name: str) -> str:
    """Return the C++ declarator of a memory."""
    depth, elements = memory.values.shape
    kind = "ap_int" if memory.type.signed else "ap_uint"
    return f"{kind}<{memory.type.bits}> {name}[{depth}][{elements}]"


def _read_frames(path: Path, stream: Stream, frames: int) -> NDArray[np.int64]:
    """Read what the program wrote: lanes as unsigned bits, sign-extended here."""
    values = np.frombuffer(path.read_bytes(), "<u8").view("<i8").astype(np.int64)
    if stream.type.signed:
        unused = 64 - stream.type.bits
        values = (values << unused) >> unused
    return values.reshape(frames, stream.lanes * stream.words)
