# SPDX-License-Identifier: Apache-2.0
"""``backend="Tailrace"`` in hls4ml: its front ends, passes and C++ as they are, our graph, proofs and synthesis behind.

hls4ml's own C++ stays the reference: ``predict`` answers from our integer graph, after it has compared every number
with the compiled C++.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from hls4ml.backends import VitisBackend, VivadoBackend
from hls4ml.backends.fpga.passes.hgq_proxy_model import ProcessFixedPointQuantizerLayer, generate_mask_fn
from hls4ml.backends.vivado.passes.unrolled_codegen import GenerateUnrolledDenseResource
from hls4ml.model.flow import get_flow, register_flow
from hls4ml.model.types import Source
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch, UsageError
from tailrace.design.api import Design, emit, from_hls4ml, plan
from tailrace.hls4ml_backend.layers import layer_options
from tailrace.hls4ml_backend.report import read_report
from tailrace.targets.parts import part as part_named

if TYPE_CHECKING:
    from tailrace.graph import Graph

Array = NDArray[Any]

FOLDER = "tailrace"
"""The build folder, inside the output folder of the hls4ml project."""

DEFAULT_PART, DEFAULT_PERIOD_NS = "ecp5-85k", 10
QUANTIZER, UNROLLED = "process_fixed_point_quantizer_layer", "generate_unrolled_dense_resource"


class QuantizerLayer(ProcessFixedPointQuantizerLayer):  # type: ignore[misc] # hls4ml has no types
    """Write HGQ's quantizers as Vitis' back end does; hls4ml's pass asks for a name that it knows."""

    def transform(self, model: Any, node: Any) -> bool:  # noqa: ANN401
        """Attach the code of a quantizer with a type for every element."""
        if model.config.config["IOType"] != "io_parallel":
            raise UsageError(
                "types that differ from element to element are possible with io_parallel only",
                where=node.name,
                hint="convert with io_type='io_parallel'",
            )
        keep, bits, whole = node.mask_kbi
        shape = node.get_input_variable().shape
        text = generate_mask_fn(node.name, shape, keep, bits, whole, node.RND, node.SAT, "vitis")
        node.set_attr("mask_fn_codegen", Source(text))
        return False


class UnrolledDense(GenerateUnrolledDenseResource):  # type: ignore[misc]
    """Write the products of the strategy resource_unrolled as Vitis' back end does; hls4ml's pass asks for its name."""

    def _add_backend_specific_pragmas_to_generated_code(self, code: str, _backend: object) -> str:
        return code.format(
            weights_resource_pragma="#pragma HLS BIND_STORAGE variable=weights type=ROM_NP impl=BRAM"
        )


class TailraceBackend(VitisBackend):  # type: ignore[misc]
    """hls4ml's interface to tailrace: compile, predict, build, and the report."""

    def __init__(self) -> None:
        super(VivadoBackend, self).__init__(name="Tailrace")
        self._graphs: WeakKeyDictionary[Any, Graph] = WeakKeyDictionary()
        self._register_layer_attributes()
        self._register_flows()

    def _register_flows(self) -> None:
        """Put our passes where Vitis has its own; everything else is hls4ml's."""
        self.register_pass(QUANTIZER, QuantizerLayer)
        self.register_pass(UNROLLED, UnrolledDense)
        before = ["vivado:init_layers"]
        ours = {f"vivado:{name}": f"tailrace:{name}" for name in (QUANTIZER, UNROLLED)}
        own = {
            f"vivado:{flow}": register_flow(
                flow,
                [ours.get(name, name) for name in get_flow(f"vivado:{flow}").optimizers],
                requires=before,
                backend=self.name,
            )
            for flow in ("optimize", "specific_types")
        }
        own["vitis:apply_templates"] = register_flow(
            "apply_templates", self._get_layer_templates, requires=before, backend=self.name
        )
        flows = [own.get(name, name) for name in get_flow("vitis:ip").requires]
        self._default_flow = register_flow("ip", None, requires=flows, backend=self.name)
        writer = ["make_stamp", "tailrace:write_hls"]
        self._writer_flow = register_flow("write", writer, requires=["tailrace:ip"], backend=self.name)

    def create_initial_config(
        self,
        part: str | None = DEFAULT_PART,
        clock_period: float | None = DEFAULT_PERIOD_NS,
        io_type: str | None = "io_parallel",
        fps: float | None = None,
        engine: str = "auto",
        **others: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Return the configuration of a project: ``part`` (tailrace parts), ``clock_period`` in ns.

        ``fps`` is the wanted rate, instead of the reuse factors; ``engine`` is that of the layers that ask for none.
        Other options are Vitis' own. Raises UsageError for a part that is not known.
        """
        name = part or DEFAULT_PART
        part_named(name)
        config: dict[str, Any] = super().create_initial_config(
            part=name, clock_period=clock_period or DEFAULT_PERIOD_NS, io_type=io_type, **others
        )
        config["Tailrace"] = {"fps": fps, "engine": engine}
        return config

    def graph(self, model: Any) -> Graph:  # noqa: ANN401
        """Return the integer graph of a model; UnsupportedError with every layer that cannot be mapped."""
        if model not in self._graphs:
            self._graphs[model] = from_hls4ml(model)
        return self._graphs[model]

    def compile(self, model: Any) -> str:  # noqa: ANN401
        """Make the integer graph, and compile hls4ml's C++ for the comparison; returns the library."""
        self._graphs.pop(model, None)
        self.graph(model)
        return str(super().compile(model))

    def predict(self, model: Any, x: Array) -> Array:  # noqa: ANN401
        """Return the outputs for ``x``, as the hardware computes them; Mismatch where hls4ml's C++ differs."""
        graph = self.graph(model)
        theirs: Array = np.asarray(model._predict(x))  # noqa: SLF001 - what predict is without a back end's own
        samples = np.asarray(x).reshape(-1, *graph.host.input.shape)
        q = graph.predict_int(graph.host.encode(samples))
        ours: Array = (
            (q.reshape(len(samples), -1) * graph.host.output.scale).astype(theirs.dtype).reshape(theirs.shape)
        )
        if not np.array_equal(ours, theirs):
            at = tuple(int(i) for i in np.argwhere(ours != theirs)[0])
            scale = float(graph.host.output.scale)
            raise Mismatch(
                layer=graph.output,
                index=at,
                expected=round(float(theirs[at]) / scale),
                got=round(float(ours[at]) / scale),
                check="software",
                count=int((ours != theirs).sum()),
                hint="this is a fault of tailrace: please report the model",
            )
        return ours

    def design(self, model: Any) -> Design:  # noqa: ANN401
        """Plan and write the design of a model into its output folder; returns it."""
        graph = self.graph(model)
        config = model.config.config
        asked = config.get("Tailrace", {})
        period = float(config.get("ClockPeriod") or DEFAULT_PERIOD_NS)
        made = plan(
            graph,
            part=str(config.get("Part") or DEFAULT_PART),
            clock_mhz=1000.0 / period,
            fps=asked.get("fps"),
            engine=str(asked.get("engine", "auto")),
            layers=None if asked.get("fps") else layer_options(graph, model),
        )
        return emit(made, Path(config["OutputDir"]) / FOLDER)

    def build(
        self,
        model: Any,  # noqa: ANN401
        *,
        csim: bool = True,
        synth: bool = True,
        cosim: bool = False,
        vsynth: bool = False,
        export: bool = False,
        x: Array | None = None,
        vectors: int | None = None,
        **_others: Any,  # noqa: ANN401 - options of other back ends
    ) -> dict[str, Any]:
        """Write the design and prove it; returns the report as hls4ml's users read it.

        ``csim``: hls4ml's C++ = integer graph = our HLS C++; ``cosim``: = our Verilog too, with stalls; ``synth``:
        yosys, and the netlist is simulated; ``vsynth``: place and route; ``export``: an IP-XACT package. ``x`` are
        inputs to check beside ``vectors`` random ones.
        """
        design = self.design(model)
        if csim or cosim:
            backends = (("rtl",) if cosim else ()) + (("hls",) if csim else ())
            design.verify(x, vectors=vectors, backends=backends)
        if synth or vsynth:
            design.synth("nextpnr" if vsynth else "yosys")
        if export:
            design.export("ipxact")
        design.write_report()
        return read_report(design.folder)
