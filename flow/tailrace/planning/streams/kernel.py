# SPDX-License-Identifier: Apache-2.0
"""The inner loop of the stream simulator, compiled by numba.

It looks only at cycles in which some automaton does something else than in the cycle before. Between these, a
pipeline that shifts, a counter that counts and a queue that fills go on for as long as their neighbours do, and are
caught up with at once. In a cycle the automata are visited from the sink to the source, so that each knows whether its
outputs are taken before it says whether it takes; what it offers changes with the next cycle.

All is in one array of integers, ``m`` (one, since numba hands an array over as seven arguments), in this order: the
cycle of the next visit of every unit (automaton, source or sink), a record a unit, a record a wire, the programs, the
ports. ``unit`` and ``wire`` are the places of records; the names of their entries are below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])

NEVER = 1 << 61

# Kinds of units.
SOURCE, SINK, PIPELINE, STORE, SPREAD, QUEUE, EXCHANGE, LOOP = range(8)

# A unit: what it is. Programs and ports are places in `m`. INDEX is its place among the next visits.
INDEX, KIND, PROGRAM, PROGRAM_END, DEPTH, WORDS, REGISTERED, INPUTS, INPUT_COUNT, OUTPUTS, OUTPUT_COUNT = (
    range(11)
)
ENTRY_PROGRAM, ENTRY_PROGRAM_END = 11, 12
FIRST_KEPT, END_KEPT = ENTRY_PROGRAM, ENTRY_PROGRAM_END  # a sink: its places in the cycles of words out
# The registers of the hardware. RUN and ENTRY_RUN are places of rows of programs.
RUN, LEFT, BITS, ARRIVED, NEED, LIMIT, ENTRY_RUN, ENTRY_LEFT = range(13, 21)
FIRST_REGISTER, END_REGISTER = RUN, ENTRY_LEFT + 1
# What the unit does in every cycle from TIME on, until it is visited again: its pipeline moves, its program steps, a
# word is stored, a word comes in.
MOVES, STEPS, PUTS, TAKES, TIME = range(21, 26)
# Only watched: words in a queue, at most and (since the last mark) at least; frames of a source or sink.
PEAK, LOW, FRAMES = range(26, 29)
UNIT_ENTRIES = 29

# A wire.
PRODUCER, CONSUMER, VALID, READY, SINCE, MOVED, STALLED, FIRST, LAST = range(9)
WIRE_ENTRIES = 9

# A row of a program, by the kind of the unit; each row stands for COUNT steps.
COUNT = 0
STEP_TAKES, STEP_SENDS, STEP_WAITS, STEP_FREE = 1, 2, 3, 4  # pipeline
READ_NEEDS, READ_NEEDS_MORE, READ_LIMIT, READ_LIMIT_MORE = 1, 2, 3, 4  # store
WORD_OUTPUTS = 1  # spread
WORD_KEPT = 1  # entry of a store
ROW_ENTRIES = 5

# The place of `settings` that is written.
VISITS = 5

# Results of `simulate`.
COMPLETE, DEADLOCK, REPEATS, FULL = range(4)

EVERY_FRAME_MARKED = 16
"""Up to here a state is compared with that of the frame before; after that, with that of a power of two."""

# Entries of `period`: source frames, cycle and sink words at the mark, and at the end of the period.
MARK_FRAMES, MARK_CYCLE, MARK_WORDS, END_FRAMES, END_CYCLE, END_WORDS = range(6)
PERIOD_ENTRIES = 6


def _compiled(function: F) -> F:
    """Compile with numba; the machine code is cached beside the source, or in the user's cache folder."""
    return cast("F", numba.njit(cache=True, error_model="numpy")(function))


@_compiled
def _flush(m: Vector, wire: int, cycle: int) -> None:
    """Count what moved or waited on a wire before ``cycle``."""
    count = cycle - m[wire + SINCE]
    if count > 0 and m[wire + VALID]:
        if m[wire + READY]:
            if m[wire + MOVED] == 0:
                m[wire + FIRST] = m[wire + SINCE]
            m[wire + MOVED] += count
            m[wire + LAST] = cycle - 1
        else:
            m[wire + STALLED] += count
    m[wire + SINCE] = cycle


@_compiled
def _set_ready(m: Vector, wire: int, value: int, cycle: int) -> None:
    """Set ready of a wire in this cycle; a change wakes its producer, which is visited later in the cycle."""
    if m[wire + READY] != value:
        _flush(m, wire, cycle)
        m[wire + READY] = value
        m[m[wire + PRODUCER]] = cycle


@_compiled
def _set_valid(m: Vector, wire: int, value: int, cycle: int) -> None:
    """Set valid of a wire from ``cycle``, the next, on; a change wakes its consumer."""
    if m[wire + VALID] != value:
        _flush(m, wire, cycle)
        m[wire + VALID] = value
        consumer = m[wire + CONSUMER]
        m[consumer] = min(m[consumer], cycle)


@_compiled
def _shifted(bits: int, count: int, depth: int, enters: int) -> int:
    """Return the valid bits of a pipeline of ``depth`` ranks ``count`` edges later; ``enters`` is bit 0 of each."""
    full = (1 << depth) - 1
    if count >= depth:
        return full if enters else 0
    bits <<= count
    if enters:
        bits |= (1 << count) - 1
    return bits & full


@_compiled
def _shifts_to_change(bits: int, depth: int, enters: int) -> int:
    """Return after how many edges the output's valid bit is another one."""
    top = bits >> (depth - 1) & 1
    others = ~bits & ((1 << depth) - 1) if top else bits
    if others == 0:
        return NEVER if enters == top else depth
    place = depth - 2
    while not others >> place & 1:
        place -= 1
    return depth - 1 - place


@_compiled
def _keeps_sign(value: int, rate: int) -> int:
    """Return for how many cycles a value stays negative, or does not get negative, if it grows by ``rate`` in each."""
    if value >= 0:
        return value // -rate + 1 if rate < 0 else NEVER
    return (-value - 1) // rate + 1 if rate > 0 else NEVER


@_compiled
def _next_run(m: Vector, unit: int) -> int:
    """Return the row of the program that follows, and count its steps."""
    run = m[unit + RUN] + ROW_ENTRIES
    if run == m[unit + PROGRAM_END]:
        run = m[unit + PROGRAM]
    m[unit + RUN] = run
    m[unit + LEFT] = m[run + COUNT]
    return int(run)


@_compiled
def _catch_up(m: Vector, unit: int, cycle: int, output_cycles: Vector) -> None:
    """Do what the unit did in every cycle since its last visit, up to before ``cycle``."""
    count = cycle - m[unit + TIME]
    if count <= 0:
        return
    m[unit + TIME] = cycle
    kind = m[unit + KIND]
    if kind == PIPELINE:
        run = m[unit + RUN]
        if m[unit + MOVES]:
            enters = m[unit + STEPS] * m[run + STEP_SENDS]
            m[unit + BITS] = _shifted(m[unit + BITS], count, m[unit + DEPTH], enters)
        if m[unit + PROGRAM_END] > m[unit + PROGRAM] + ROW_ENTRIES:
            m[unit + LEFT] -= count * m[unit + STEPS]
    elif kind == STORE:
        run = m[unit + RUN]
        if m[unit + MOVES]:
            m[unit + BITS] = _shifted(m[unit + BITS], count, m[unit + DEPTH], m[unit + STEPS])
        if m[unit + STEPS]:
            m[unit + LEFT] -= count
            m[unit + NEED] += count * m[run + READ_NEEDS_MORE]
            m[unit + LIMIT] += count * m[run + READ_LIMIT_MORE]
        m[unit + ARRIVED] += count * m[unit + PUTS]
        m[unit + ENTRY_LEFT] -= count * m[unit + TAKES]
    elif kind == SPREAD:
        if m[unit + PROGRAM_END] > m[unit + PROGRAM] + ROW_ENTRIES:
            m[unit + LEFT] -= count * m[unit + STEPS]
    elif kind == QUEUE:
        held = m[unit + ARRIVED] + count * m[unit + STEPS]
        m[unit + ARRIVED] = held
        m[unit + PEAK] = max(m[unit + PEAK], held)
        m[unit + LOW] = min(m[unit + LOW], held)
    elif kind == SOURCE:
        m[unit + LEFT] -= count * m[unit + STEPS]
    elif kind == SINK and m[unit + STEPS]:
        place = m[unit + FIRST_KEPT] + m[unit + ARRIVED]
        for offset in range(count):
            if place + offset < m[unit + END_KEPT]:
                output_cycles[place + offset] = cycle - count + offset
        m[unit + ARRIVED] += count
        m[unit + LEFT] -= count


@_compiled
def _visit_pipeline(m: Vector, unit: int, cycle: int) -> None:
    depth, inputs, input_count = m[unit + DEPTH], m[unit + INPUTS], m[unit + INPUT_COUNT]
    output = m[m[unit + OUTPUTS]]
    taken = m[output + READY]
    offered = 0
    for port in range(input_count):
        offered |= m[m[inputs + port] + VALID] << port
    run, bits = m[unit + RUN], m[unit + BITS]

    enable = taken | (bits >> (depth - 1) & 1 ^ 1)
    may = enable | m[run + STEP_FREE]
    missing = m[run + STEP_WAITS] & ~offered
    takes = m[run + STEP_TAKES] if may else 0
    for port in range(input_count):
        ready = 1 if takes >> port & 1 and not missing & ~(1 << port) else 0
        _set_ready(m, m[inputs + port], ready, cycle)
    step = 1 if may and missing == 0 else 0
    if enable:
        bits = (bits << 1 | step * m[run + STEP_SENDS]) & ((1 << depth) - 1)
        m[unit + BITS] = bits
    if step:
        m[unit + LEFT] -= 1
        if m[unit + LEFT] == 0:
            run = _next_run(m, unit)
    top = bits >> (depth - 1) & 1
    _set_valid(m, output, top, cycle + 1)

    # The next cycle, and for how long it goes on like that.
    enable = taken | (top ^ 1)
    may = enable | m[run + STEP_FREE]
    missing = m[run + STEP_WAITS] & ~offered
    step = 1 if may and missing == 0 else 0
    m[unit + TIME], m[unit + MOVES], m[unit + STEPS] = cycle + 1, enable, step
    takes = m[run + STEP_TAKES] if may else 0
    for port in range(input_count):
        ready = 1 if takes >> port & 1 and not missing & ~(1 << port) else 0
        if ready != m[m[inputs + port] + READY]:
            m[m[unit + INDEX]] = cycle + 1
            return
    lasts = NEVER
    if enable:
        lasts = _shifts_to_change(bits, depth, step * m[run + STEP_SENDS])
    if step and m[unit + PROGRAM_END] > m[unit + PROGRAM] + ROW_ENTRIES:
        lasts = min(lasts, m[unit + LEFT])
    m[m[unit + INDEX]] = cycle + lasts


@_compiled
def _visit_store(m: Vector, unit: int, cycle: int) -> None:
    depth, entry, output = m[unit + DEPTH], m[m[unit + INPUTS]], m[m[unit + OUTPUTS]]
    taken, offered = m[output + READY], m[entry + VALID]
    run, bits, entry_run = m[unit + RUN], m[unit + BITS], m[unit + ENTRY_RUN]
    arrived = m[unit + ARRIVED]

    kept = m[entry_run + WORD_KEPT]
    room = 1 if arrived < m[unit + LIMIT] else 0
    ready = room | (kept ^ 1)
    _set_ready(m, entry, ready, cycle)
    enable = taken | (bits >> (depth - 1) & 1 ^ 1)
    read = 1 if enable and arrived >= m[unit + NEED] else 0
    if offered and ready:
        arrived += kept
        m[unit + ENTRY_LEFT] -= 1
        if m[unit + ENTRY_LEFT] == 0:
            entry_run += ROW_ENTRIES
            if entry_run == m[unit + ENTRY_PROGRAM_END]:
                entry_run = m[unit + ENTRY_PROGRAM]
            m[unit + ENTRY_RUN] = entry_run
            m[unit + ENTRY_LEFT] = m[entry_run + COUNT]
    if enable:
        bits = (bits << 1 | read) & ((1 << depth) - 1)
        m[unit + BITS] = bits
    if read:
        m[unit + NEED] += m[run + READ_NEEDS_MORE]
        m[unit + LIMIT] += m[run + READ_LIMIT_MORE]
        m[unit + LEFT] -= 1
        if m[unit + LEFT] == 0:
            run = _next_run(m, unit)
            if run == m[unit + PROGRAM]:
                arrived -= m[unit + WORDS]
            m[unit + NEED] = m[run + READ_NEEDS]
            m[unit + LIMIT] = m[run + READ_LIMIT]
    m[unit + ARRIVED] = arrived
    top = bits >> (depth - 1) & 1
    _set_valid(m, output, top, cycle + 1)

    need, limit = m[unit + NEED], m[unit + LIMIT]
    enable = taken | (top ^ 1)
    kept = m[entry_run + WORD_KEPT]
    room = 1 if arrived < limit else 0
    takes = offered & (room | (kept ^ 1))
    put = takes & kept
    read = 1 if enable and arrived >= need else 0
    m[unit + TIME], m[unit + MOVES], m[unit + STEPS], m[unit + PUTS] = cycle + 1, enable, read, put
    m[unit + TAKES] = takes
    if ready != room | (kept ^ 1):
        m[m[unit + INDEX]] = cycle + 1
        return
    lasts = NEVER
    if enable:
        lasts = _shifts_to_change(bits, depth, read)
    if read:
        lasts = min(lasts, m[unit + LEFT])
    if takes:
        lasts = min(lasts, m[unit + ENTRY_LEFT])
    # How long the words suffice or do not, and how long there is room or none.
    if read or put:
        lasts = min(lasts, _keeps_sign(arrived - need, put - read * m[run + READ_NEEDS_MORE]))
        lasts = min(lasts, _keeps_sign(limit - arrived - 1, read * m[run + READ_LIMIT_MORE] - put))
    m[m[unit + INDEX]] = cycle + lasts


@_compiled
def _visit_spread(m: Vector, unit: int, cycle: int) -> None:
    outputs, output_count, entry = m[unit + OUTPUTS], m[unit + OUTPUT_COUNT], m[m[unit + INPUTS]]
    offered = m[entry + VALID]
    taken = 0
    for port in range(output_count):
        taken |= m[m[outputs + port] + READY] << port
    run = m[unit + RUN]

    pending = m[unit + BITS] & ~taken
    free = 0 if pending & m[run + WORD_OUTPUTS] else 1
    _set_ready(m, entry, free, cycle)
    if free and offered:
        pending |= m[run + WORD_OUTPUTS]
        m[unit + LEFT] -= 1
        if m[unit + LEFT] == 0:
            run = _next_run(m, unit)
    m[unit + BITS] = pending
    for port in range(output_count):
        _set_valid(m, m[outputs + port], pending >> port & 1, cycle + 1)

    following = pending & ~taken
    next_free = 0 if following & m[run + WORD_OUTPUTS] else 1
    m[unit + TIME], m[unit + STEPS] = cycle + 1, next_free * offered
    if next_free and offered:
        following |= m[run + WORD_OUTPUTS]
    if next_free != free or following != pending:
        m[m[unit + INDEX]] = cycle + 1
    elif next_free and offered and m[unit + PROGRAM_END] > m[unit + PROGRAM] + ROW_ENTRIES:
        m[m[unit + INDEX]] = cycle + m[unit + LEFT]
    else:
        m[m[unit + INDEX]] = NEVER


@_compiled
def _visit_queue(m: Vector, unit: int, cycle: int) -> None:
    depth, registered = m[unit + DEPTH], m[unit + REGISTERED]
    entry, output = m[m[unit + INPUTS]], m[m[unit + OUTPUTS]]
    taken, offered, held = m[output + READY], m[entry + VALID], m[unit + ARRIVED]

    room = 1 if held < depth or (taken and not registered) else 0
    _set_ready(m, entry, room, cycle)
    if held > 0:
        held -= taken
    held += offered * room
    m[unit + ARRIVED] = held
    m[unit + PEAK] = max(m[unit + PEAK], held)
    m[unit + LOW] = min(m[unit + LOW], held)
    _set_valid(m, output, 1 if held > 0 else 0, cycle + 1)

    next_room = 1 if held < depth or (taken and not registered) else 0
    rate = offered * next_room - (taken if held > 0 else 0)
    m[unit + TIME], m[unit + STEPS] = cycle + 1, rate
    if room != next_room:
        lasts = 1
    elif rate == 0:
        lasts = NEVER
    elif rate > 0:
        lasts = depth - held if held > 0 else 1
    else:
        lasts = 1 if registered and held == depth else held
    m[m[unit + INDEX]] = cycle + lasts


@_compiled
def _visit_loop(m: Vector, unit: int, cycle: int) -> None:
    """Visit the queue of a loop, which is visited behind both its neighbours.

    So what its entry offers is already that of the next cycle, where it has changed in this one; and whether it is
    ready, a function of registers, it says a cycle ahead.
    """
    depth, entry, output = m[unit + DEPTH], m[m[unit + INPUTS]], m[m[unit + OUTPUTS]]
    held, taken, room = m[unit + ARRIVED], m[output + READY], m[entry + READY]
    changed = 1 if m[entry + SINCE] == cycle + 1 else 0
    offered = m[entry + VALID] ^ changed
    leaves = taken if held > 0 else 0
    comes = offered * room
    held += comes - leaves
    m[unit + ARRIVED], m[unit + TIME] = held, cycle + 1
    _set_valid(m, output, 1 if held > 0 else 0, cycle + 1)
    _set_ready(m, entry, 1 if held < depth else 0, cycle + 1)
    m[m[unit + INDEX]] = cycle + 1 if comes or leaves or changed else NEVER


@_compiled
def _visit_exchange(m: Vector, unit: int, cycle: int) -> None:
    words, entry, output = m[unit + WORDS], m[m[unit + INPUTS]], m[m[unit + OUTPUTS]]
    gathered, left = m[unit + ARRIVED], m[unit + LEFT]
    taken, offered = m[output + READY], m[entry + VALID]
    free = 1 if left == 0 or (left == 1 and taken) else 0
    ready = 1 if free or gathered + 1 < words else 0
    _set_ready(m, entry, ready, cycle)
    if left > 0:
        left -= taken
    if ready and offered:
        gathered += 1
        if gathered == words:
            gathered, left = 0, words
    changed = gathered != m[unit + ARRIVED] or left != m[unit + LEFT]
    m[unit + ARRIVED], m[unit + LEFT], m[unit + TIME] = gathered, left, cycle + 1
    _set_valid(m, output, 1 if left > 0 else 0, cycle + 1)
    m[m[unit + INDEX]] = cycle + 1 if changed else NEVER


@_compiled
def _visit_source(m: Vector, unit: int, cycle: int, frames: int, pace: int) -> int:
    """Visit the source; 1 if the last word of a frame is taken in this cycle."""
    output = m[m[unit + OUTPUTS]]
    ended = 0
    if m[output + VALID] and m[output + READY]:
        m[unit + LEFT] -= 1
        if m[unit + LEFT] == 0:
            m[unit + LEFT] = m[unit + WORDS]
            m[unit + FRAMES] += 1
            ended = 1
    begun = m[unit + LEFT] < m[unit + WORDS]
    more = m[unit + FRAMES] < frames
    begin = m[unit + FRAMES] * pace
    offers = 1 if more and (begun or begin <= cycle + 1) else 0
    _set_valid(m, output, offers, cycle + 1)
    step = offers * m[output + READY]
    m[unit + TIME], m[unit + STEPS] = cycle + 1, step
    if step:
        m[m[unit + INDEX]] = cycle + m[unit + LEFT]
    elif more and not offers:
        m[m[unit + INDEX]] = begin - 1
    else:
        m[m[unit + INDEX]] = NEVER
    return ended


@_compiled
def _visit_sink(m: Vector, unit: int, cycle: int, output_cycles: Vector) -> None:
    """Visit the sink, which is always ready."""
    step = m[m[m[unit + INPUTS]] + VALID]
    if step:
        place = m[unit + FIRST_KEPT] + m[unit + ARRIVED]
        if place < m[unit + END_KEPT]:
            output_cycles[place] = cycle
        m[unit + ARRIVED] += 1
        m[unit + LEFT] -= 1
        if m[unit + LEFT] == 0:
            m[unit + LEFT] = m[unit + WORDS]
            m[unit + FRAMES] += 1
    m[unit + TIME], m[unit + STEPS] = cycle + 1, step
    m[m[unit + INDEX]] = cycle + m[unit + LEFT] if step else NEVER


@_compiled
def _is_repeated(m: Vector, mark: Vector, units: int, late: int, mark_late: int) -> bool:
    """Whether all goes on as it went on from the mark, no source further behind the first than it was there.

    An endless queue may have grown, if it never ran empty meanwhile: for its neighbours it is the same. So is a source
    that was late, and is no less so, for one that has to wait for the begin of its frame.
    """
    if late != mark_late and (late < mark_late or mark_late < 0):
        return False
    taken = m[units + FRAMES] - mark[units + FRAMES]
    for index in range(units):
        unit = units + index * UNIT_ENTRIES
        if m[unit + KIND] == SOURCE and m[unit + FRAMES] - mark[unit + FRAMES] != taken:
            return False
        if m[unit + KIND] == QUEUE and m[unit + DEPTH] >= NEVER:
            same = m[unit + ARRIVED] == mark[unit + ARRIVED]
            if not same and (m[unit + LOW] < 1 or m[unit + ARRIVED] < mark[unit + ARRIVED]):
                return False
            continue
        for entry in range(FIRST_REGISTER, END_REGISTER):
            counts = m[unit + KIND] == SINK and entry == ARRIVED
            if m[unit + entry] != mark[unit + entry] and not counts:
                return False
    return True


@_compiled
def simulate(m: Vector, settings: Vector, output_cycles: Vector, period: Vector) -> int:
    """Run to the end; returns COMPLETE or DEADLOCK, and if ``period`` has entries REPEATS or FULL as well.

    ``settings`` are the numbers of units and wires, the frames that the source offers, the pace (no frame is offered
    before the pace times its number), the frames after which all is given up (FULL; 0: never), a place for the visits
    that it took, and the numbers of sources and sinks. The units are in topological order: sources first, sinks last. A
    frame is in when the first source has sent it. ``output_cycles`` (words,) takes the cycle of every word out, sink
    after sink; where it is full, all is given up, too.
    """
    units, wires, frames, pace, most_frames = settings[0], settings[1], settings[2], settings[3], settings[4]
    sinks = settings[7]
    source = units
    sink = units + (units - sinks) * UNIT_ENTRIES
    mark = m.copy()
    mark_late = 0
    next_mark = 1
    marked = False
    cycle = m[0]
    visits = 0
    while True:
        ended = 0
        following = NEVER
        for index in range(units - 1, -1, -1):
            if m[index] > cycle:
                following = min(following, m[index])
                continue
            visits += 1
            unit = units + index * UNIT_ENTRIES
            _catch_up(m, unit, cycle, output_cycles)
            kind = m[unit + KIND]
            if kind == PIPELINE:
                _visit_pipeline(m, unit, cycle)
            elif kind == STORE:
                _visit_store(m, unit, cycle)
            elif kind == SPREAD:
                _visit_spread(m, unit, cycle)
            elif kind == QUEUE:
                _visit_queue(m, unit, cycle)
            elif kind == EXCHANGE:
                _visit_exchange(m, unit, cycle)
            elif kind == LOOP:
                _visit_loop(m, unit, cycle)
                following = min(following, m[m[m[m[unit + INPUTS]] + PRODUCER]])
            elif kind == SINK:
                _visit_sink(m, unit, cycle, output_cycles)
            else:
                sent = _visit_source(m, unit, cycle, frames, pace)
                if index == 0:
                    ended = sent
            following = min(following, m[index])
            for port in range(m[unit + OUTPUT_COUNT]):  # visited before, and maybe woken
                following = min(following, m[m[m[m[unit + OUTPUTS] + port] + CONSUMER]])

        result = -1
        if len(period) and ended:
            for index in range(units):
                _catch_up(m, units + index * UNIT_ENTRIES, cycle + 1, output_cycles)
                m[index] = cycle + 1
            following = cycle + 1
            taken = m[source + FRAMES]
            late = cycle + 1 - taken * pace
            if marked and _is_repeated(m, mark, units, late, mark_late):
                period[END_FRAMES], period[END_CYCLE], period[END_WORDS] = taken, cycle + 1, m[sink + ARRIVED]
                result = REPEATS
            elif taken == most_frames:
                result = FULL
            elif taken == next_mark:
                next_mark += 1 if next_mark < EVERY_FRAME_MARKED else next_mark
                marked = True
                mark_late = late
                for index in range(units):
                    unit = units + index * UNIT_ENTRIES
                    m[unit + LOW] = m[unit + ARRIVED]
                mark[:] = m
                period[MARK_FRAMES], period[MARK_CYCLE], period[MARK_WORDS] = (
                    taken,
                    cycle + 1,
                    m[sink + ARRIVED],
                )
        complete = True
        full = False
        for index in range(sinks):
            unit = sink + index * UNIT_ENTRIES
            complete = complete and m[unit + FRAMES] == frames
            full = (
                full or (m[unit + FRAMES] + 1) * m[unit + WORDS] > m[unit + END_KEPT] - m[unit + FIRST_KEPT]
            )
        if result < 0 and not complete and full and frames >= NEVER:
            result = FULL
        if result < 0 and following >= NEVER:
            result = COMPLETE if complete else DEADLOCK
        if result >= 0:
            settings[VISITS] = visits
            for index in range(units):
                _catch_up(m, units + index * UNIT_ENTRIES, cycle + 1, output_cycles)
            for number in range(wires):
                _flush(m, units + units * UNIT_ENTRIES + number * WIRE_ENTRIES, cycle + 1)
            return result
        cycle = following
