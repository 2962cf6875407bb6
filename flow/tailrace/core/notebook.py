# SPDX-License-Identifier: Apache-2.0
"""What notebooks show of a value: a line above, a table below."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def html_table(line: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a line and a table as HTML; everything is escaped, whole numbers get thousands separators."""

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(f"<{tag}>{escape(_text(value))}</{tag}>" for value in row)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<p>{escape(line)}</p><table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)
