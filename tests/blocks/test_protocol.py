# SPDX-License-Identifier: Apache-2.0
"""Every block says everything that the protocol asks, and it is so; a block that leaves something out is found."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
import tailrace.blocks
import tailrace.spatial
from block_samples import SAMPLES, stream
from rtl_harness import random_frames
from tailrace.blocks import automata
from tailrace.blocks.base import Block, HlsFunction, Memory, Role, State, Stream, stream_names
from tailrace.blocks.catalogue import BLOCKS, missing_members
from tailrace.core.data import data, data_folder
from tailrace.core.resources import Resources
from tailrace.design.completeness import missing_entries
from tailrace.planning.serialize import dumps, loads
from tailrace.tools.process import run
from tailrace.tools.yosys import RUN_PYOSYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.blocks.base import Integers
    from tailrace.targets.family import Family


def block_classes() -> set[type[Block]]:
    """Every block that a module of the two rooms of blocks defines."""
    found = set()
    for room in (tailrace.blocks, tailrace.spatial):
        for info in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            module = importlib.import_module(info.name)
            found |= {
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, Block) and value.__module__ == info.name
            }
    return found - {Block}


def test_the_table_has_every_block_by_its_name() -> None:
    assert set(BLOCKS.values()) == block_classes()
    assert list(BLOCKS) == sorted(block.name for block in BLOCKS.values())


def test_there_is_a_sample_of_every_block() -> None:
    assert {name.split(",")[0] for name in SAMPLES} == set(BLOCKS)
    assert {type(block) for block in SAMPLES.values()} == set(BLOCKS.values())


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_says_everything_that_the_protocol_wants(name: str) -> None:
    assert missing_members(BLOCKS[name]) == []
    assert isinstance(BLOCKS[name].role, Role)


def test_what_is_missing_is_named() -> None:
    class Nothing(Block):
        pass

    BLOCKS.add("nothing", Nothing)
    try:
        assert "the block nothing does not say schedule" in missing_entries()
    finally:
        BLOCKS.remove("nothing")
    assert missing_entries() == []
    assert missing_members(Nothing) == ["name", "role", *sorted(Block.__abstractmethods__)]
    assert {"schedule", "written_bits", "cost", "latency_cycles"} <= set(missing_members(Nothing))

    class Remembers(Block):
        def reset(self) -> State:
            return {}

    assert missing_members(Remembers)[-1] == "evaluate_from"


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_schedule_is_between_the_streams_of_the_ports(sample: str) -> None:
    block = SAMPLES[sample]
    schedule = block.schedule()
    assert schedule.inputs == stream_names(block.input_ports)
    assert schedule.outputs == stream_names(block.output_ports)
    assert tuple(s for port in block.input_ports for s in port.streams) == block.inputs
    assert tuple(s for port in block.output_ports for s in port.streams) == block.outputs


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_a_block_says_of_itself_is_plain_numbers(sample: str) -> None:
    block = SAMPLES[sample]
    numbers = block.features()
    assert all(type(value) is float and np.isfinite(value) for value in numbers.values())
    assert {f"{name.lower()}" for name in block.parameters()} <= set(numbers)
    assert numbers["written_bits"] == block.written_bits
    assert block.vectors >= 1
    json.dumps(numbers)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_block_is_the_same_again_when_it_comes_from_json(sample: str, seed: int) -> None:
    block = SAMPLES[sample]
    again = loads(dumps(block))
    assert type(again) is type(block)
    assert dumps(again) == dumps(block)
    frames = random_frames(block, 3, seed=seed)
    outputs, state = block.evaluate_from(frames, block.reset())
    assert state.keys() == block.reset().keys()
    for one, other in zip(outputs, again.evaluate_from(frames, again.reset())[0], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_hooks_name_what_is_in_the_library(sample: str) -> None:
    block = SAMPLES[sample]
    own = block.verilog_modules("design_stage")
    library = block.verilog_library()
    if own:
        assert list(own)[-1] == "design_stage.v"
    else:
        text = library[f"tr_{block.name}.v"]
        names = set(re.findall(r"^\s*parameter (?:integer )?(\w+)", text, re.MULTILINE))
        given = {*block.parameters(), *block.memory_parameters("instance")}
        assert given <= names
        assert {name for name in names - given if not name.endswith(("_FILE", "_PREFIX"))} == set()
    assert not any("`include" in text for text in {**own, **library}.values())
    assert f"tr_{block.name}(" in block.hls_library()[f"tr_{block.name}.hpp"]
    functions = block.hls_functions("instance")
    assert all(isinstance(function, HlsFunction) for function in functions)
    assert all(f"instance::{function.name}(" in function.definition for function in functions)


def test_writable_bits_are_those_of_weights_thresholds_and_tables() -> None:
    bits = {name: block.writable_bits for name, block in SAMPLES.items() if block.writable_bits}
    assert bits == {
        "dense_binary": 4 * 6,
        "dense_folded": 4 * 6 * 3 + 4 * 9,
        "depthwise": 6 * 4 * 3,
        "depthwise, in registers": 4 * 4 * 3,
        "multiply_shift": 4 * 4 + 4 * 4,
        "round_shift": 4 * 4,
        "softmax": next(memory.bits for memory in SAMPLES["softmax"].memories() if memory.name == "table"),
        "state": 2 * 3 * 5,
        "table": 4 * 8 * 3,
        "threshold": 4 * 3 * 3 + 4 * 4,
        "threshold_search": 4 * 3 * 3 + 4 * 4,
    }
    assert sum(memory.bits for memory in SAMPLES["permute"].memories()) == 5 * 3  # its order is its structure


def memory_bits(blocks: Sequence[Block], folder: Path) -> list[int]:
    """The bits of the memories that the Verilog of each block writes, as yosys finds them before it maps them."""
    script = []
    for number, block in enumerate(blocks):
        script += ["design -reset"]
        script += [f'read_verilog "{data_folder("rtl") / name}"' for name in block.verilog_library()]
        values = "".join(
            f" -set {name} 32'b{value & 0xFFFFFFFF:032b}" for name, value in block.parameters().items()
        )
        top = f"tr_{block.name}"
        script += [f"chparam{values} {top}", f"hierarchy -top {top}", "proc", "flatten", "opt_clean"]
        script += ["memory_collect", f"write_json {number}.json"]
    (folder / "memories.ys").write_text("\n".join(script) + "\n", encoding="utf-8")
    command = [sys.executable, "-c", RUN_PYOSYS, "memories.ys"]
    run(command, cwd=folder, log=folder / "yosys.log", timeout_seconds=200)
    found = []
    for number in range(len(blocks)):
        modules = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))["modules"]
        cells = [cell for module in modules.values() for cell in module["cells"].values()]
        sizes = [
            {key: int(cell["parameters"][key], 2) for key in ("SIZE", "WIDTH", "WR_PORTS")}
            for cell in cells
            if cell["type"] == "$mem_v2"
        ]
        found.append(sum(size["SIZE"] * size["WIDTH"] for size in sizes if size["WR_PORTS"]))
    return found


def test_written_bits_are_those_of_the_memories_that_the_verilog_writes(tmp_path: Path) -> None:
    samples = {name: block for name, block in SAMPLES.items() if not block.verilog_modules("x")}
    found = memory_bits(list(samples.values()), tmp_path)
    expected = {name: block.written_bits for name, block in samples.items()}
    assert dict(zip(samples, found, strict=True)) == expected
    assert sum(bits > 0 for bits in found) >= 9


# --- state -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSum(Block):
    """Each value plus all that came in its place in the frames before, in 8 bits: a block that remembers."""

    name: ClassVar[str] = "running_sum"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (self.stream,)

    @property
    def interval_cycles(self) -> int:
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        return 1

    def schedule(self) -> automata.Schedule:
        return automata.in_a_row(automata.each_word(1))

    def parameters(self) -> Mapping[str, int]:
        return {"WIDTH": self.stream.bits}

    def memories(self) -> tuple[Memory, ...]:
        return ()

    @property
    def written_bits(self) -> int:
        return self.stream.words * self.stream.bits

    def reset(self) -> State:
        return {"sum": np.zeros(self.stream.words * self.stream.lanes, np.int64)}

    def evaluate(self, frames: Integers) -> Integers:
        return self.evaluate_from((frames,), self.reset())[0][0]

    def evaluate_from(self, frames: Sequence[Integers], state: State) -> tuple[tuple[Integers, ...], State]:
        sums = np.cumsum(np.vstack([state["sum"], frames[0]]), axis=0)[1:]
        return (sums,), {"sum": sums[-1]}

    def cost(self, family: Family) -> Resources:
        del family
        return Resources(lut=self.stream.bits)


def test_a_block_with_state_goes_on_where_it_was(rng: np.random.Generator) -> None:
    block = RunningSum(stream=stream(3))
    assert missing_members(RunningSum) == []
    frames = rng.integers(-4, 4, (7, 6))
    whole = block.evaluate(frames)
    np.testing.assert_array_equal(whole, frames.cumsum(axis=0), strict=True)
    state = block.reset()
    parts = []
    for part in (frames[:2], frames[2:3], frames[3:]):
        (out,), state = block.evaluate_from((part,), state)
        parts.append(out)
    np.testing.assert_array_equal(np.vstack(parts), whole, strict=True)


def test_a_block_that_says_nothing_of_its_state_is_told_so() -> None:
    block = SAMPLES["skid"]
    frames = np.zeros((1, 12), np.int64)
    with pytest.raises(NotImplementedError, match="skid has a state, so it has to say what becomes of it"):
        block.evaluate_from((frames,), {"sum": frames})


def test_the_files_of_the_library_are_found_in_the_first_folder_that_has_them(tmp_path: Path) -> None:
    class Elsewhere(RunningSum):
        @classmethod
        def folders(cls, kind: str) -> tuple[Path, ...]:
            return (tmp_path / kind, data(kind))

    block = Elsewhere(stream=stream(3))
    (tmp_path / "rtl").mkdir()
    with pytest.raises(FileNotFoundError, match=r"tr_running_sum\.v is in none of"):
        block.verilog_library()
    text = "module tr_running_sum;\n    tr_fifo #(.WIDTH(1)) fifo ();\nendmodule\n"
    (tmp_path / "rtl/tr_running_sum.v").write_text(text, encoding="utf-8")
    (tmp_path / "templates_hls").mkdir()
    (tmp_path / "templates_hls/tr_running_sum.hpp").write_text("tr_running_sum\n", encoding="utf-8")
    assert set(block.verilog_library()) == {"tr_running_sum.v", "tr_fifo.v"}
    assert block.hls_library() == {"tr_running_sum.hpp": "tr_running_sum\n"}
