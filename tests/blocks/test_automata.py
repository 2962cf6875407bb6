# SPDX-License-Identifier: Apache-2.0
"""Networks of automata: what is joined wrongly is an error; programs are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from tailrace.blocks import automata
from tailrace.blocks.automata import Part, Queue, Schedule, in_a_row


def part(*names: str, depth: int = 1) -> Part:
    return Part(automaton=Queue(depth=depth), inputs=names[:1], outputs=names[1:])


def test_automata_in_a_row_are_joined_from_the_input_to_the_output() -> None:
    first, second = Queue(depth=1), Queue(depth=2)
    schedule = in_a_row(first, second)
    assert [(each.automaton, each.inputs, each.outputs) for each in schedule.parts] == [
        (first, ("s_axis",), ("part_0",)),
        (second, ("part_0",), ("m_axis",)),
    ]
    assert (schedule.inputs, schedule.outputs) == (("s_axis",), ("m_axis",))


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ([part("a", "m_axis")], "the stream a is read before it is driven"),
        ([part("a", "m_axis"), part("s_axis", "a")], "the stream a is read before it is driven"),
        ([part("s_axis", "a"), part("s_axis", "m_axis")], "the stream s_axis is read twice"),
        ([part("s_axis", "s_axis")], "the stream s_axis is driven twice"),
        ([part("s_axis", "a")], r"what is left of the streams are \['a'\], not \['m_axis'\]"),
        ([], r"what is left of the streams are \['s_axis'\], not \['m_axis'\]"),
    ],
)
def test_a_network_that_is_joined_wrongly_is_an_error(parts: list[Part], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Schedule(parts=tuple(parts))


def test_an_automaton_is_joined_to_as_many_streams_as_it_has() -> None:
    both = automata.each_word(2, inputs=2)
    with pytest.raises(ValueError, match="a Pipeline of 2 inputs is joined to 1: s_axis"):
        Part(automaton=both, inputs=("s_axis",), outputs=("m_axis",))
    with pytest.raises(ValueError, match="a Queue of 1 outputs is joined to 2: a, b"):
        part("s_axis", "a", "b")


def test_programs_step_as_they_say() -> None:
    assert automata.each_word(3, inputs=2).program.tolist() == [[1, 0b11, 1, 0b11, 0]]
    assert automata.reduction(3, 2, 7).program.tolist() == [[4, 1, 0, 1, 0], [2, 1, 1, 1, 0]]
    assert automata.reduction(3, 2, 7).depth == 3
    kept = np.array([True, False, False, True])
    assert automata.in_order(kept).program.tolist() == [[1, 1, 1, 1, 0], [2, 1, 0, 1, 1], [1, 1, 1, 1, 0]]
    assert automata.where_sent(kept).program.tolist() == [[1, 1, 1, 1, 0], [2, 1, 0, 1, 0], [1, 1, 1, 1, 0]]


@pytest.mark.parametrize("depth", [0, 63])
def test_a_pipeline_of_a_depth_that_cannot_be_simulated_is_an_error(depth: int) -> None:
    with pytest.raises(ValueError, match=f"a pipeline of {depth} ranks: possible are 1 to 62"):
        automata.each_word(depth)
