# SPDX-License-Identifier: Apache-2.0
"""tailrace.toml: what is written is read again, and what is wrong is said in one message."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis import strategies as st
from tailrace.core.errors import UsageError
from tailrace.design.config import OPTIONS, Config, make_config, read_config, read_folding, to_toml

if TYPE_CHECKING:
    from pathlib import Path


def written(tmp_path: Path, text: str, name: str = "tailrace.toml") -> Path:
    """A file with the text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def message(error: pytest.ExceptionInfo[UsageError], tmp_path: Path) -> str:
    """The message without the folder of the test."""
    return str(error.value).replace(f"{tmp_path}/", "")


# --- round trip -----------------------------------------------------------------------------------


def test_the_default_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert Config() == make_config(read_config(written(tmp_path, to_toml(Config()))))


def test_every_option_stands_in_the_file() -> None:
    text = to_toml(Config())
    assert [name for name in OPTIONS if f"\n{name} = " not in text and f"\n# {name} =" not in text] == []
    assert "layers" not in tomllib.loads(text)


def test_a_full_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    config = Config(
        part="ecp5-25k",
        clock_mhz=62.5,
        fps=1e5,
        backend="rtl",
        input_type="fixed<12,4>",
        vectors='a "quoted" \\ name.npy',
        random_vectors=7,
        seed=0,
        stall=0.0,
        jobs=1,
        layers={
            "dense_0": {"pe": 4, "simd": "max", "memory": "block", "dsp": "no"},
            "Gemm/3:0": {"pe": 1, "requantizer": "threshold"},
            "*": {"simd": "min"},
            "größe": {"pe": "auto"},
        },
    )
    # The path of the vectors is relative to the file.
    assert replace(config, vectors=str(tmp_path / 'a "quoted" \\ name.npy')) == make_config(
        read_config(written(tmp_path, to_toml(config)))
    )


@hypothesis.given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), pe=st.integers(1, 99))
def test_any_name_of_a_layer_is_read_as_it_was_written(name: str, pe: int) -> None:
    text = to_toml(Config(layers={name: {"pe": pe}}))
    assert tomllib.loads(text)["layers"] == {name: {"pe": pe}}


# --- laying one over the other --------------------------------------------------------------------


def test_later_sources_win_and_none_means_not_given() -> None:
    config = make_config(
        {"fps": 1e3, "seed": 5, "layers": {"a": {"pe": 1, "simd": 2}}},
        {"fps": 2e3, "seed": None, "layers": {"a": {"pe": 4}, "b": {"pe": 1}}},
    )
    assert config.fps == 2e3
    assert config.seed == 5
    assert config.layers == {"a": {"pe": 4, "simd": 2}, "b": {"pe": 1}}


def test_a_board_gives_its_part_and_its_clock() -> None:
    config = make_config({"board": "ulx3s"})
    assert (config.part, config.clock_mhz, config.board) == ("ecp5-85k", 25.0, "ulx3s")
    assert make_config({"board": "ulx3s", "clock_mhz": 50}).clock_mhz == 50.0


def test_a_later_part_overrides_an_earlier_board() -> None:
    config = make_config({"board": "ulx3s"}, {"part": "xczu7ev"})
    assert (config.part, config.board) == ("xczu7ev", None)


def test_the_part_of_the_board_may_be_named_beside_it() -> None:
    assert make_config({"board": "ulx3s", "part": "ecp5-85k"}).board == "ulx3s"
    with pytest.raises(UsageError) as error:
        make_config({"board": "ulx3s", "part": "ecp5-25k"})
    assert str(error.value) == (
        "both the part ecp5-25k and the board ulx3s-85f are asked for\n"
        "  hint: give one of them: the board has the part ecp5-85k"
    )


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[build]\nprat = "ecp5-85k"',
            "tailrace.toml: [build]: unknown key 'prat'\n  hint: did you mean part?",
        ),
        ("[bild]\nseed = 1", "tailrace.toml: unknown key 'bild'\n  hint: did you mean build?"),
        (
            '[build]\nclock_mhz = "fast"',
            "tailrace.toml: [build]: clock_mhz is 'fast'\n  hint: wanted a number",
        ),
        ("[build]\nseed = 1.5", "tailrace.toml: [build]: seed is 1.5\n  hint: wanted a whole number"),
        ("[build]\nseed = true", "tailrace.toml: [build]: seed is True\n  hint: wanted a whole number"),
        ("[build]\npart = 7", "tailrace.toml: [build]: part is 7\n  hint: wanted a text in quotes"),
        (
            '[build]\npart = ""',
            "tailrace.toml: [build]: part is empty\n  hint: give a value or take the line out",
        ),
        ("build = 3", "tailrace.toml: build is 3\n  hint: write a table: [build]"),
        (
            "layers = 3",
            "tailrace.toml: layers is 3\n  hint: write one table a layer: [layers.dense_0]",
        ),
        (
            "[layers]\ndense_0 = 3",
            (
                "tailrace.toml: layer dense_0: this is 3\n"
                "  hint: write pe = 1 and simd = 1 in a table of its own"
            ),
        ),
        (
            "[layers.dense_0]\npee = 3",
            "tailrace.toml: layer dense_0: unknown key 'pee'\n  hint: did you mean pe?",
        ),
        (
            '[layers.dense_0]\npe = "all"',
            (
                "tailrace.toml: layer dense_0: pe is 'all'\n"
                '  hint: wanted a whole number, "min", "max" or "auto"'
            ),
        ),
        (
            "[layers.dense_0]\npe = 1.0",
            'tailrace.toml: layer dense_0: pe is 1.0\n  hint: wanted a whole number, "min", "max" or "auto"',
        ),
        (
            '[layers.dense_0]\nmemory = "ram"',
            (
                "tailrace.toml: layer dense_0: memory is 'ram'\n"
                "  hint: use one of auto, registers, distributed, block"
            ),
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_way_out(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_config(written(tmp_path, text))
    assert message(error, tmp_path) == said


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_config(written(tmp_path, "[build\n"))
    assert message(error, tmp_path).startswith("tailrace.toml: this is not TOML: ")
    assert message(error, tmp_path).endswith("hint: tailrace init MODEL writes a file to start from")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"[layers.\xe9]"])
def test_a_file_that_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tailrace.toml"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="this is not TOML"):
        read_config(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_config(tmp_path / "tailrace.toml")
    assert message(error, tmp_path) == (
        "tailrace.toml: there is no such file\n  hint: tailrace init MODEL writes one"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "tailrace.toml").mkdir()
    with pytest.raises(UsageError) as error:
        read_config(tmp_path / "tailrace.toml")
    assert message(error, tmp_path) == (
        "tailrace.toml: this is a folder\n  hint: give the path of a TOML file"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fps": 0.0}, "fps is 0\n  hint: wanted a number above 0"),
        ({"fps": -5.0}, "fps is -5\n  hint: wanted a number above 0"),
        ({"fps": float("nan")}, "fps is nan\n  hint: wanted a number above 0"),
        ({"fps": float("inf")}, "fps is inf\n  hint: wanted a number above 0"),
        ({"clock_mhz": 0.0}, "clock_mhz is 0\n  hint: wanted a number above 0"),
        ({"stall": 1.0}, "stall is 1\n  hint: wanted a probability from 0 to below 1, such as 0.3"),
        (
            {"stall": float("nan")},
            "stall is nan\n  hint: wanted a probability from 0 to below 1, such as 0.3",
        ),
        ({"random_vectors": 0}, "random_vectors is 0\n  hint: wanted at least 1"),
        ({"seed": -1}, "seed is -1\n  hint: wanted at least 0"),
        ({"jobs": 0}, "jobs is 0\n  hint: wanted at least 1"),
        ({"engine": "fast"}, "engine is 'fast'\n  hint: use one of auto, folded, spatial"),
        ({"backend": "vhdl"}, "backend is 'vhdl'\n  hint: use one of rtl, hls, both"),
        (
            {"part": "ecp5-85"},
            (
                "there is no part 'ecp5-85'\n"
                "  hint: did you mean ecp5-85k, ecp5-45k, ecp5-25k? tailrace parts lists all of them"
            ),
        ),
        (
            {"board": "ulx3"},
            (
                "there is no board 'ulx3'\n"
                "  hint: did you mean ulx3s, ulx3s-85f, ulx3s-45f? tailrace boards lists all of them"
            ),
        ),
        (
            {"input_type": "float"},
            (
                "input type 'float' is not a type\n"
                "  hint: write fixed<W,I> or ufixed<W,I> (W bits, I of them before the point) or int8, uint8"
            ),
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        make_config(options)
    assert str(error.value) == said
    assert error.value.exit_code == 2


# --- folding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.toml", '[dense_0]\npe = 2\nsimd = "max"\n["*"]\npe = 1\n'),
        ("f.toml", '[layers.dense_0]\npe = 2\nsimd = "max"\n[layers."*"]\npe = 1\n'),
        ("f.json", '{"dense_0": {"pe": 2, "simd": "max"}, "*": {"pe": 1}}'),
        ("f.json", '{"layers": {"dense_0": {"pe": 2, "simd": "max"}, "*": {"pe": 1}}}'),
    ],
)
def test_a_folding_is_read_from_toml_and_json(name: str, text: str, tmp_path: Path) -> None:
    expected = {"dense_0": {"pe": 2, "simd": "max"}, "*": {"pe": 1}}
    assert expected == read_folding(written(tmp_path, text, name))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "f.json: this is [1, 2]\n"),
        ("{", "f.json: this is not JSON: "),
        ('{"dense_0": {"PE": 2}}', "f.json: layer dense_0: unknown key 'PE'\n"),
    ],
)
def test_a_wrong_folding_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_folding(written(tmp_path, text, "f.json"))
    assert message(error, tmp_path).startswith(said)
