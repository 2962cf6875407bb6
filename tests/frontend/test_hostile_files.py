# SPDX-License-Identifier: Apache-2.0
"""Broken and hostile files are answered: a graph that equals its software, or an error that a user can act on."""

from __future__ import annotations

import sys
from collections import Counter

import hostile_files
import pytest
from hostile_files import Answer, answer, answers, hostile_file

if not hasattr(hostile_files.os, "fork"):
    pytest.skip("each file has a process of its own, by fork", allow_module_level=True)


def unclear(first: int, count: int, folder) -> tuple[Counter[str], list[str]]:
    """Count the answers to some files, and list those that are not clear."""
    kinds: Counter[str] = Counter()
    found = []
    for seed, what, said in answers(range(first, first + count), folder):
        kinds[said.kind] += 1
        if not said.is_clear:
            found.append(f"seed {seed} ({what}): {said.kind}: {said.text.strip()[-600:]}")
    return kinds, found


def test_a_sample_of_hostile_files_is_answered(tmp_path):
    kinds, found = unclear(0, 150, tmp_path)
    assert found == []
    assert kinds["equal"] > 15, kinds
    assert kinds["refused"] > 75, kinds


@pytest.mark.parametrize(
    "seed",
    [700, 811, 931, 1695, 2210, 2295, 2461, 3335, 3910, 4043, 4573, 4709, 6063, 6750, 7653, 7694, 7904, 8886, 8974,
     9756],
)  # fmt: skip
def test_a_file_that_once_had_no_clear_answer_has_one(seed, tmp_path):
    _, found = unclear(seed, 1, tmp_path)
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_hostile_files_are_answered(part, tmp_path):
    _, found = unclear(1000 * part, 1000, tmp_path)
    assert found == []


@pytest.mark.parametrize("network", range(4))
def test_the_networks_that_are_changed_are_good(network, tmp_path):
    hostile_files.warm_up()
    assert answer(hostile_files.good_networks()[network], tmp_path) == Answer(kind="equal", text="")


def test_equal_seeds_give_equal_files():
    assert hostile_file(7) == hostile_file(7)
    assert len({hostile_file(seed)[1] for seed in range(20)}) == 20


def test_what_is_no_clear_answer_is_found(tmp_path, monkeypatch):
    def wrong(kind: str):
        def answered(path):
            if kind == "traceback":
                raise ValueError(path)
            if kind == "endless":
                while True:
                    pass
            if kind == "memory":
                bytearray(1 << 40)
            sys.exit(kind)

        return answered

    for kind, expected in (("traceback", "ValueError"), ("memory", "MemoryError"), ("exit", "SystemExit")):
        monkeypatch.setattr(hostile_files, "_answered", wrong(kind))
        said = answer(b"", tmp_path)
        assert (said.kind, said.is_clear) == ("traceback", False)
        assert expected in said.text
    monkeypatch.setattr(hostile_files, "_answered", wrong("endless"))
    said = answer(b"", tmp_path, seconds=1)
    assert (said.kind, said.is_clear) == ("signal", False)
    assert said.text == "died of signal 24"
