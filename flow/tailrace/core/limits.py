# SPDX-License-Identifier: Apache-2.0
"""How large a network may be; sizes are compared with it before anything of that size is made."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tailrace.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a network may need at most; ``tailrace.load`` takes another one, the command line ``--limits``."""

    nodes: int = 1 << 14
    """Nodes, after functions are expanded."""
    elements: int = 1 << 24
    """Elements of one tensor, for one sample."""
    operations: int = 1 << 35
    """Elements made and multiplications done by all nodes together, for one sample."""
    chain: int = 1 << 10
    """Float operations one behind the other, from integers to a quantizer or to the output."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value < 1:
                raise UsageError(f"the limit {item.name} is {value}", hint="wanted at least 1")

    @staticmethod
    def parse(text: str) -> Limits:
        """Read limits as they are written on the command line: ``elements=1e9,nodes=100000``; the others stay."""
        names = [item.name for item in fields(Limits)]
        found: dict[str, int] = {}
        for part in text.split(","):
            name, _, number = (word.strip() for word in part.partition("="))
            if name not in names:
                raise UsageError(
                    f"there is no limit {name!r}", hint=f"one of {', '.join(names)}, as nodes=100000"
                )
            try:
                found[name] = int(float(number))
            except (ValueError, OverflowError):
                raise UsageError(
                    f"the limit {name} is {number!r}", hint=f"write a number: {name}=1e6"
                ) from None
        return Limits(**found)


DEFAULT_LIMITS = Limits()
