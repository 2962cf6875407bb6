# SPDX-License-Identifier: Apache-2.0
"""Functions with more than one bend (a LeakyRelu behind another), of what an accumulator has become.

One bend makes a sum of two forms (:mod:`tailrace.frontend.forms`), which linear operations leave one. Where another
bend or a clip follows, the sum is put on a grid first: its integers are a new source, from which forms go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.frontend.forms import by_channels, forms_on_the_way, integers_of
from tailrace.frontend.signals import Signal

if TYPE_CHECKING:
    from tailrace.frontend.sheet import Sheet


def straightened(sheet: Sheet, signal: Signal) -> Signal:
    """Return a signal from the last sum of forms on that it cannot go through as one; else itself.

    Raises ModelError where the integers of such a sum would need too many bits.
    """
    while (cut := _cut(sheet, signal)) is not None:
        signal = cut
    return signal


def _cut(sheet: Sheet, signal: Signal) -> Signal | None:
    """Return a signal from the first sum of forms on behind which no forms are known; None where there is none."""
    known = forms_on_the_way(sheet, signal)
    if signal.name in known:
        return None
    for index, node in enumerate(signal.nodes):
        moving = sheet.dynamic(node)
        if node.output[0] in known or len(moving) != 1 or len(known.get(moving[0], ())) < 2:
            continue
        name, rest = moving[0], signal.nodes[index:]
        behind = {name, *(out for n in rest for out in n.output)}
        own = sheet.signals.get(name)
        if own is None or any(not behind.issuperset(sheet.dynamic(n)) for n in rest):
            return None  # other ways lead round it
        front = Signal(
            name=name, shape=own.shape, source=signal.source, nodes=signal.nodes[:index], order=own.order
        )
        integers = integers_of(sheet, by_channels(sheet, front, known[name]))
        if integers.source.name != name:
            return None
        return Signal(
            name=signal.name, shape=signal.shape, source=integers.source, nodes=rest, order=signal.order
        )
    return None
