# SPDX-License-Identifier: Apache-2.0
"""The back end that hls4ml finds by its entry point: its interface, our hardware behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "Tailrace"


def register(
    register_backend: Callable[[str, Any], None], register_writer: Callable[[str, Any], None]
) -> None:
    """Register the back end with hls4ml, which calls this when it is imported (entry point group hls4ml.backends)."""
    from hls4ml.writer.vitis_writer import VitisWriter  # noqa: PLC0415 - hls4ml is being imported just now

    from tailrace.hls4ml_backend.backend import TailraceBackend  # noqa: PLC0415

    register_writer(NAME, VitisWriter)
    register_backend(NAME, TailraceBackend)
