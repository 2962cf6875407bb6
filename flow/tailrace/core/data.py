# SPDX-License-Identifier: Apache-2.0
"""Where the files that are not Python are: Verilog, C++ headers, templates, constraints, test benches."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

KINDS = ("rtl", "templates_hls", "ip", "constraints", "sim")
"""The folders beside ``flow/`` in a checkout, and inside the package in a wheel."""


def data(kind: str) -> Traversable:
    """Return the ``kind`` folder (one of :data:`KINDS`) of an installed package or a checkout."""
    package = files("tailrace")
    if (package / kind).is_dir():  # wheel: the folder was force-included under the package
        return package / kind
    return Path(str(package)).parents[1] / kind  # editable install


def data_folder(kind: str) -> Path:
    """Return :func:`data` as a path, for the external tools, which read files only (not from a zip file)."""
    return Path(str(data(kind)))


LINE_STATEMENT = re.compile(r"^[ \t]*//%[ \t]*(.*?)[ \t]*$", re.MULTILINE)
"""A line of a template that is a statement, such as ``//% for stage in stages``."""


class _Loader(FileSystemLoader):
    """Reads templates, their line statements as ``{% %}``: Jinja's own also eat the empty lines below them."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the text, the path, and whether it is still the newest."""
        text, path, is_newest = super().get_source(environment, template)
        return LINE_STATEMENT.sub(r"{% \1 %}", text), path, is_newest


def templates(kind: str) -> Environment:
    """Return the Jinja environment of the ``kind`` folder: ``${ }`` values and ``//%`` statements."""
    return Environment(
        loader=_Loader(str(data(kind))),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - C++ and Verilog, no HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="${",
        variable_end_string="}",
        line_comment_prefix="//#",
    )
