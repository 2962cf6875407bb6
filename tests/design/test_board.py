# SPDX-License-Identifier: Apache-2.0
"""The whole top of a board in simulation, with the driver of the host at the other end of its serial line.

Whatever happens on the line, an answer is the graph's or there is an error.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import port_networks
import pytest
import state_networks
from tailrace.cli.main import main
from tailrace.core.errors import Mismatch, TailraceError
from tailrace.design.board import run_on_board
from tailrace.design.build import Build, build
from tailrace.design.config import make_config
from tailrace.emission.board import board_sources, top_name
from tailrace.emission.rtl import source_names
from tailrace.host import Device, LinkError, load
from tailrace.host.packets import END, FAULTS, Kind, Packet, Receiver
from tailrace.targets.boards import boards
from tailrace.tools.verilator import lint
from tailrace.verify.board import build_board_simulator, simulated_board
from tailrace.verify.vectors import random_inputs, random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tailrace.design import api
    from tailrace.host import Description

serial = pytest.importorskip("serial", reason="pyserial belongs to the extra board")

SECONDS = 20.0
NOISY_SECONDS = 1.0  # where the last packet is lost, so long is waited for another


@dataclass(frozen=True)
class Bench:
    """A build folder, its simulator, and frames with their answers."""

    design: api.Design
    description: Description
    program: Path
    q: np.ndarray
    expected: np.ndarray

    def device(self, port: str, seconds: float = SECONDS) -> Device:
        return Device.open(port, self.description, timeout_seconds=seconds)


def built(
    folder: Path, model: Path, board: str = "ulx3s-12f", last: str = "emit", **options: object
) -> api.Design:
    """Build a network for a board, without C++."""
    config = make_config({"board": board, "backend": "rtl", **options})
    design = build(Build(folder=folder, config=config, model=model, last=last))
    assert design is not None
    return design


def bench_of(design: api.Design, frames: int) -> Bench:
    assert design.board is not None
    q = random_integers(design.plan.graph, frames, seed=3)
    return Bench(
        design=design,
        description=load(design.folder / "board/host.json"),
        program=build_board_simulator(design.plan, design.folder, design.board),
        q=q,
        expected=design.plan.graph.run_frames(q).reshape(frames, -1),
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The tiny network."""
    folder = tmp_path_factory.mktemp("board")
    return bench_of(built(folder / "tiny", write_tiny(folder / "tiny.onnx")), 200)


@contextlib.contextmanager
def line_to(port: str, description: Description) -> Iterator[serial.Serial]:
    """The serial line itself."""
    with serial.Serial(port, description.baud, timeout=0.05) as line:
        yield line


def packets_of(line: serial.Serial, count: int) -> list[Packet | None]:
    """The next packets that the board sends."""
    receiver, got, end = Receiver(), [], time.monotonic() + SECONDS
    while len(got) < count and time.monotonic() < end:
        got += receiver.take(line.read(max(1, line.in_waiting)))
    return got


def test_every_frame_is_answered_as_the_graph_answers(bench: Bench) -> None:
    with simulated_board(bench.program) as port, bench.device(port) as device:
        np.testing.assert_array_equal(device.predict_int(bench.q), bench.expected, strict=True)
        np.testing.assert_array_equal(device.predict_int(bench.q[:3]), bench.expected[:3], strict=True)
        assert device.predict_int(bench.q[:0]).shape == (0, bench.expected.shape[1])
        x = random_inputs(bench.design.plan.graph, 5, seed=2)
        np.testing.assert_array_equal(device.predict(x), bench.design.plan.graph.predict(x), strict=True)
        assert device.sessions == 1


def test_a_line_that_turns_bits_gives_right_answers_or_none(bench: Bench) -> None:
    with (
        simulated_board(bench.program, seed=5, damage=0.002) as port,
        bench.device(port, NOISY_SECONDS) as device,
    ):
        np.testing.assert_array_equal(device.predict_int(bench.q), bench.expected, strict=True)
        assert device.sessions > 1
    with (
        simulated_board(bench.program, seed=5, damage=0.3) as port,
        pytest.raises(LinkError, match=r"nothing answers|in a row"),
        Device.open(port, bench.description, timeout_seconds=0.5) as device,
    ):
        device.predict_int(bench.q)


def test_garbage_and_half_packets_do_not_harm_a_session(bench: Bench) -> None:
    half = Packet(Kind.DATA, 0, 0, bytes(range(100))).encoded()[:50]
    with simulated_board(bench.program) as port:
        with line_to(port, bench.description) as line:
            line.write(secrets.token_bytes(500) + half)
        with bench.device(port) as device:
            np.testing.assert_array_equal(device.predict_int(bench.q[:20]), bench.expected[:20], strict=True)
            other = os.open(port, os.O_RDWR | os.O_NOCTTY)
            os.write(other, half)
            os.close(other)
            np.testing.assert_array_equal(device.predict_int(bench.q), bench.expected, strict=True)
            assert device.sessions == 2


def test_a_port_that_is_closed_in_the_middle_and_opened_again_goes_on(bench: Bench) -> None:
    with simulated_board(bench.program) as port:
        for _ in range(3):
            with line_to(port, bench.description) as line:  # a driver that is ended in the middle of a frame
                line.write(END + Packet(Kind.OPEN, 0, 0, b"1234").encoded())
                assert packets_of(line, 1)[0].kind == Kind.OPENED
                line.write(
                    Packet(Kind.DATA, 0, 0, bytes(bench.description.inputs[0].frame_bytes + 1)).encoded()
                )
            with bench.device(port) as device:
                np.testing.assert_array_equal(
                    device.predict_int(bench.q[:9]), bench.expected[:9], strict=True
                )


def test_a_line_that_is_lost_is_opened_again(bench: Bench) -> None:
    with simulated_board(bench.program) as port, bench.device(port) as device:
        device.predict_int(bench.q[:2])
        os.close(device._line.fd)  # what the driver sees when the cable is pulled
        np.testing.assert_array_equal(device.predict_int(bench.q[:20]), bench.expected[:20], strict=True)
        assert device.sessions == 2


def test_the_board_says_what_was_wrong_and_takes_nothing_more_but_a_new_session(bench: Bench) -> None:
    frame = bytes(bench.description.inputs[0].frame_bytes)
    good = Packet(Kind.DATA, 0, 0, frame).encoded()
    damaged = bytearray(good)
    damaged[5] ^= 1
    cases = {
        1: b"\xc0\x20\xdb\x00\x01\x02\x03\x04\xc0",
        2: Packet(Kind.DATA, 0, 0, bytes(257)).encoded(),
        3: b"\xc0\x20\x00\x01\xc0",
        4: bytes(damaged),
        5: Packet(9, 0, 0, frame).encoded(),
        7: Packet(Kind.DATA, 1, 0, frame).encoded(),
        8: Packet(Kind.DATA, 0, 1, frame).encoded(),
    }
    assert set(cases) == set(FAULTS) - {6, 9}
    with simulated_board(bench.program) as port, line_to(port, bench.description) as line:
        line.write(good)
        assert packets_of(line, 1) == [Packet(Kind.ERROR, 0, 0, b"\x06")]
        for code, sent in cases.items():
            line.write(Packet(Kind.OPEN, 0, 0, b"abcd").encoded())
            line.write(sent)
            opened, error = packets_of(line, 2)
            assert opened == Packet(Kind.OPENED, 0, 0, b"abcd" + bench.description.identity)
            assert error == Packet(Kind.ERROR, 0, 1, bytes([code]))
            line.write(good)
            assert packets_of(line, 1) == [Packet(Kind.ERROR, 0, 2, b"\x06")]
        line.write(Packet(Kind.OPEN, 0, 0, b"abc").encoded())
        assert packets_of(line, 1)[0].payload == b"\x05"


def test_an_interrupted_call_leaves_nothing_for_the_next_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def interrupted(device: Device) -> bytes:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(device)

    with simulated_board(bench.program) as port, bench.device(port) as device:
        read = Device._read
        with monkeypatch.context() as patch:
            patch.setattr(Device, "_read", interrupted)
            with pytest.raises(KeyboardInterrupt):
                device.predict_int(bench.q)
        np.testing.assert_array_equal(device.predict_int(bench.q[5:]), bench.expected[5:], strict=True)
        assert device.sessions == 2


def test_another_network_is_told_in_a_line(bench: Bench) -> None:
    other = replace(bench.description, digest="ab" * 32)
    sizes = replace(bench.description, payload_bytes=128)
    with simulated_board(bench.program) as port:
        with pytest.raises(LinkError) as caught:
            Device.open(port, other, timeout_seconds=SECONDS)
        assert str(caught.value) == (
            f"{port}: the board holds another network: {bench.description.digest[:32]}, not {'ab' * 16} (tiny)\n"
            "  hint: load the bitstream of this folder (tailrace flash DIR), or give the folder of what it holds"
        )
        with pytest.raises(LinkError, match="this network with streams of other sizes"):
            Device.open(port, sizes, timeout_seconds=SECONDS)


def test_a_port_where_nobody_is_is_told(bench: Bench) -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(LinkError, match="nothing answers\n  hint: check the port, the power"):
            Device.open(os.ttyname(slave), bench.description, timeout_seconds=0.1)
    finally:
        os.close(master)
        os.close(slave)
    with pytest.raises(LinkError, match="no-such-port: the port cannot be opened"):
        Device.open("no-such-port", bench.description)


def test_sequences_come_from_their_beginning_again(tmp_path: Path) -> None:
    model, states = state_networks.recurrent(1, tmp_path)
    text = ",".join(f"{before}={after}" for before, after in states.items())
    bench = bench_of(built(tmp_path / "build", model, states=text), 120)
    with (
        simulated_board(bench.program, seed=2, damage=0.001) as port,
        bench.device(port, NOISY_SECONDS) as device,
    ):
        np.testing.assert_array_equal(device.predict_int(bench.q), bench.expected, strict=True)
        assert device.sessions > 1


def test_several_inputs_and_outputs_are_told_apart(tmp_path: Path) -> None:
    seed = next(n for n in range(50) if ends(n) >= (2, 2))
    network, outputs = port_networks.draw(seed)
    onnx.save(network.model(*outputs), tmp_path / "ports.onnx")
    bench = bench_of(built(tmp_path / "build", tmp_path / "ports.onnx"), 60)
    assert len(bench.description.inputs) > 1
    assert len(bench.description.outputs) > 1
    with simulated_board(bench.program) as port, bench.device(port) as device:
        np.testing.assert_array_equal(device.predict_int(bench.q), bench.expected, strict=True)
        assert device.sessions == 1


def ends(seed: int) -> tuple[int, int]:
    """How many inputs and outputs a random network has."""
    network, outputs = port_networks.draw(seed)
    return len(network.model(*outputs).graph.input), len(outputs)


def test_a_folder_without_a_top_for_a_board_is_told(tmp_path: Path) -> None:
    design = built(tmp_path / "build", write_tiny(tmp_path / "tiny.onnx"), clock_mhz=50.0)
    assert not (design.folder / "board").exists()
    with pytest.raises(TailraceError) as caught:
        run_on_board(design, np.zeros((1, 6), np.int64), port=None)
    assert str(caught.value) == (
        f"{design.folder}: no top for ulx3s-12f: the clock of its pin is 25 MHz and the plan's 50 MHz; "
        "leave --clock out\n"
        "  hint: build with --board (tailrace boards), and without --clock"
    )


def test_the_command_line_sends_frames_and_says_how_to_load_the_board(
    bench: Bench, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = bench.design.folder
    assert main(["run", str(folder), "--simulate", "-n", "7"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("7 frames through the top in simulation, 0 mismatches\nthe link carries ")
    with simulated_board(bench.program) as port:
        np.save(tmp_path / "x.npy", random_inputs(bench.design.plan.graph, 3, seed=2))
        assert (
            main(["run", str(folder), "--port", port, "--vectors", str(tmp_path / "x.npy"), "-n", "4"]) == 0
        )
    assert re.match(
        rf"7 frames through {port}, 0 mismatches\n[\d,]+ frames/s measured\n", capsys.readouterr().out
    )
    assert main(["run", str(folder)]) == 2
    assert "neither --port nor --simulate is given" in capsys.readouterr().err
    assert main(["flash", str(folder)]) == 1
    assert "there is no bitstream\n  hint: tailrace synth" in capsys.readouterr().err


def test_an_answer_that_is_not_the_graphs_is_a_mismatch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = bench.expected.copy()
    wrong[4, 1] += 1
    monkeypatch.setattr(Device, "predict_int", lambda *_: wrong)
    with (
        simulated_board(bench.program) as port,
        pytest.raises(Mismatch, match=r"board against graph: .*channel 1 of vector 4"),
    ):
        run_on_board(bench.design, bench.q, port=port)


LINKED = [each.name for each in boards() if each.linked]


@pytest.mark.parametrize("name", LINKED)
def test_the_top_of_every_board_is_lint_clean_and_has_the_ports_of_its_pins(
    name: str, tmp_path: Path
) -> None:
    design = built(tmp_path / "build", write_tiny(tmp_path / "tiny.onnx"), board=name)
    plan = design.plan
    sources = [design.folder / "rtl" / file for file in source_names(plan)]
    sources += [design.folder / "board" / file for file in board_sources(plan)]
    lint(sources, top=top_name(plan), folder=design.folder / "rtl")


@pytest.mark.slow
@pytest.mark.parametrize("name", LINKED)
def test_the_top_of_every_board_is_simulated_and_goes_to_a_bitstream(name: str, tmp_path: Path) -> None:
    design = built(tmp_path / "build", write_tiny(tmp_path / "tiny.onnx"), board=name, last="synth")
    bitstream = design.report.bitstream
    assert bitstream is not None
    first = (design.folder / bitstream).read_bytes()
    assert len(first) > 10_000
    assert design.synth("nextpnr").timing.met
    assert (design.folder / bitstream).read_bytes() == first
    q = random_integers(design.plan.graph, 20, seed=1)
    assert run_on_board(design, q, port=None).frames == 20
