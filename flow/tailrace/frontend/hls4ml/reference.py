# SPDX-License-Identifier: Apache-2.0
"""hls4ml's own C++, compiled, as the software that a graph is compared with: every layer, on every vector."""

from __future__ import annotations

import contextlib
import ctypes
import io
import shutil
import tempfile
import warnings
import weakref
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError, ToolError
from tailrace.graph.values import the_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.hls4ml.records import Network
    from tailrace.graph import Graph
    from tailrace.graph.values import Values

Array = NDArray[Any]
Doubles = NDArray[np.float64]


class Hls4mlReference:
    """Runs the C++ that hls4ml writes for a network, with its trace of every layer.

    The project is written and compiled once, in a folder of its own: the user's project and library stay as they are.
    """

    name = "hls4ml's C++"
    output = ""
    exact = True
    """It computes in integers: nothing is rounded that the graph does not round, so every tensor is compared."""

    def __init__(self, network: Network, encodings: Mapping[str, Encoding]) -> None:
        self.network = network
        self.encodings = encodings
        self.graph: Graph | None = None
        self.places: Mapping[str, tuple[str, int]] = {}
        """{tensor of hls4ml: (tensor of the graph, its fraction bits)}, the moved ones too."""
        self.products: Mapping[str, tuple[str, ...]] = {}
        """{layer of hls4ml: the nodes that compute its products with weights}."""
        self._library: ctypes.CDLL | None = None
        self._traced_count = 0

    @property
    def missing(self) -> str:
        """Why it cannot run here; "" where it can."""
        return "" if shutil.which("g++") else "g++ is not on PATH, which compiles hls4ml's C++"

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return the encodings as JSON."""
        return {
            name: {"scale": e.scale.tolist(), "offset": e.offset.tolist(), "order": None}
            for name, e in self.encodings.items()
        }

    def run(self, x: Values, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for inputs (n, *sample shape)."""
        wanted, x = list(names), the_one(x)
        traced = self.trace(x)
        found: dict[str, Array] = {}
        for name in wanted:
            if name not in traced:
                raise ModelError(
                    f"hls4ml's trace has no {name}", where=self.network.name, hint="convert the model anew"
                )
            found[name] = traced[name].reshape(len(x), -1)
        return found

    def trace(self, x: Array) -> dict[str, Doubles]:
        """Return {output of a layer: (n, size)} for inputs (n, *sample shape), the input included."""
        network = self.network
        if self._library is None:
            self._library = self._compile()
        shapes = {layer.name: layer.outputs for layer in network.layers}
        source = next(layer for layer in network.layers if network.inputs[0] in layer.outputs)
        values = np.ascontiguousarray(np.asarray(x, np.float64).reshape(len(x), -1))
        size = next(prod(o[network.outputs[0]][0]) for o in shapes.values() if network.outputs[0] in o)
        library, count = self._library, self._traced_count
        top = getattr(library, f"{network.name}_double")
        top.restype = None
        storage = (_Traced * count)()
        library.allocate_trace_storage(ctypes.c_size_t(ctypes.sizeof(ctypes.c_double)))
        results = np.zeros((len(x), size))
        rows: dict[str, list[Doubles]] = {}
        pointer = ctypes.POINTER(ctypes.c_double)
        for index, sample in enumerate(values):
            top(sample.ctypes.data_as(pointer), results[index].ctypes.data_as(pointer))
            library.collect_trace_output(storage)
            for item in storage:
                name = item.name.decode()
                ((_, (shape, _)),) = list(shapes[name].items())[:1]
                flat = np.ctypeslib.as_array(ctypes.cast(item.data, pointer), shape=(prod(shape),))
                rows.setdefault(name, []).append(flat.copy())
        library.free_trace_storage()
        found: dict[str, Doubles] = {
            network.inputs[0]: np.ldexp(source.format.from_floats(values), -source.format.fraction_bits)
        }
        for layer in network.layers:
            if layer.name in rows and len(layer.outputs) == 1:
                found[next(iter(layer.outputs))] = np.stack(rows[layer.name])
        found[network.outputs[0]] = results
        return found

    def follow(self, _start: str, _values: Array, _end: str) -> Array | None:
        """Return None: there is no float rounding to explain."""
        return None

    def recompute(self, _known: Mapping[str, Doubles], _end: str) -> Doubles | None:
        """Return None: there is no float rounding to explain."""
        return None

    def _compile(self) -> ctypes.CDLL:
        """Write and compile the project with the trace of every layer, in a folder that goes with this object."""
        model = self.network.model
        place = Path(tempfile.mkdtemp(prefix="tailrace-hls4ml-"))
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        said = io.StringIO()
        with self._traced(place), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hls4ml's own, of how it reads what it converted
            try:
                with contextlib.redirect_stdout(said):
                    model.apply_flow(model.config.backend.get_writer_flow())
                    _optimize_less(place / "build_lib.sh")
                    library = model.config.backend.compile(model)
                return ctypes.cdll.LoadLibrary(library)
            except Exception as error:
                lines = said.getvalue().strip().splitlines()[-20:]
                raise ToolError(
                    f"hls4ml's C++ cannot be compiled ({error})\n" + "\n".join(lines),
                    where=self.network.name,
                    hint="try model.compile(); it needs g++",
                ) from error

    @contextlib.contextmanager
    def _traced(self, place: Path) -> Iterator[None]:
        """Let the model be written to ``place``, with the trace of every layer, and be as before afterwards."""
        model = self.network.model
        config = model.config
        kept = {key: config.config[key] for key in ("OutputDir", "Stamp") if key in config.config}
        trace = config.trace_output
        marked = [layer for layer in model.get_layers() if layer.get_attr("function_cpp", None)]
        marks = [layer.get_attr("trace", default=False) for layer in marked]
        config.trace_output = True
        config.config["OutputDir"] = str(place)
        self._traced_count = 0
        for layer in marked:
            layer.set_attr("trace", value=True)
            self._traced_count += len(layer.get_variables())
        try:
            yield
        finally:
            config.trace_output = trace
            config.config.update(kept)
            for layer, mark in zip(marked, marks, strict=True):
                layer.set_attr("trace", mark)


def _optimize_less(script: Path) -> None:
    """Let the compiler take half as long: the C++ runs a few vectors, and its integers are the same."""
    if script.is_file():
        script.write_text(script.read_text(encoding="utf-8").replace("-O3", "-O1"), encoding="utf-8")


class _Traced(ctypes.Structure):
    """What the compiled library hands out for a layer: its name and its numbers."""

    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p))
