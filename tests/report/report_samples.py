# SPDX-License-Identifier: Apache-2.0
"""Three realistic reports: an MLP, all of it measured; a residual network, half of it; a failure."""

from __future__ import annotations

from dataclasses import replace

from tailrace.report.schema import (
    Accuracy,
    Check,
    FirstMismatch,
    Host,
    HostSide,
    Layer,
    LayerSynth,
    Model,
    Occupied,
    Performance,
    Report,
    StreamEdge,
    Synth,
    Target,
    Timing,
    Totals,
    Verify,
)

ECP5_85K = Totals(lut=83_640, ff=83_640, dsp=156, bram18=208, uram=0)


def dense(index, rows, cols, pe, simd, *, bits, slowest, cost, measured) -> Layer:
    """One folded matrix product with an estimate and, where ``measured`` is given, synthesized cells."""
    interval = (rows // pe) * (cols // simd)
    lut, ff, bram = cost
    synth = None
    if measured is not None:
        synth = LayerSynth(
            lut=measured[0], ff=measured[1], carry=measured[2], dsp=0, bram18=bram, source="yosys"
        )
    return Layer(
        name=f"dense_{index}",
        block="dense_folded",
        engine="folded",
        pe=pe,
        simd=simd,
        rows=rows,
        cols=cols,
        vectors=1,
        words_in=interval,
        words_out=rows // pe,
        interval_cycles=interval,
        utilization=interval / slowest,
        in_bits=bits[0],
        weight_bits=bits[1],
        out_bits=bits[2],
        memory_bits=rows * cols * bits[1],
        lut=lut,
        ff=ff,
        carry=lut * 0.18,
        dsp=0,
        bram18=bram,
        source="estimate",
        synth=synth,
    )


def threshold(index, channels, pe, *, bits, slowest, cost, measured) -> Layer:
    """One bank of thresholds."""
    synth = None
    if measured is not None:
        synth = LayerSynth(
            lut=measured[0], ff=measured[1], carry=measured[2], dsp=0, bram18=0, source="yosys"
        )
    return Layer(
        name=f"threshold_{index}",
        block="threshold",
        engine=None,
        pe=pe,
        rows=channels,
        vectors=1,
        words_in=channels // pe,
        words_out=channels // pe,
        interval_cycles=channels // pe,
        utilization=channels / pe / slowest,
        in_bits=bits[0],
        out_bits=bits[1],
        memory_bits=channels * (2 ** bits[1] - 1) * bits[0],
        lut=cost[0],
        ff=cost[1],
        carry=cost[0] * 0.4,
        dsp=0,
        bram18=0,
        source="estimate",
        synth=synth,
    )


def mlp() -> Report:
    """A digit classifier of four layers, everything measured, all four equalities hold."""
    layers = (
        dense(
            0,
            64,
            784,
            8,
            49,
            bits=(2, 4, 12),
            slowest=128,
            cost=(5204.6, 3120.2, 14),
            measured=(4893, 3304, 911),
        ),
        threshold(0, 64, 8, bits=(12, 4), slowest=128, cost=(812.4, 310.0), measured=(764, 322, 240)),
        dense(1, 64, 64, 4, 8, bits=(4, 4, 13), slowest=128, cost=(402.2, 296.3, 1), measured=(377, 301, 88)),
        threshold(1, 64, 4, bits=(13, 4), slowest=128, cost=(430.8, 172.0), measured=(409, 180, 131)),
        dense(2, 32, 64, 2, 8, bits=(4, 4, 13), slowest=128, cost=(214.4, 164.0, 1), measured=(198, 171, 46)),
        threshold(2, 32, 2, bits=(13, 4), slowest=128, cost=(221.0, 90.4), measured=(226, 96, 70)),
        dense(3, 10, 32, 2, 8, bits=(4, 6, 11), slowest=128, cost=(272.1, 188.5, 1), measured=(251, 190, 57)),
    )
    names = [layer.name for layer in layers]
    widths = [(8, 12, 8, 2), (8, 4, 8, 2), (4, 13, 16, 2), (4, 4, 16, 2), (2, 13, 16, 2), (2, 4, 16, 16)]
    streams = (
        StreamEdge(source="input", target="dense_0", lanes=49, bits=2, words=16, depth=2),
        *(
            StreamEdge(source=a, target=b, lanes=lanes, bits=bits, words=words, depth=depth)
            for a, b, (lanes, bits, words, depth) in zip(names, names[1:], widths, strict=False)
        ),
        StreamEdge(source="dense_3", target="output", lanes=2, bits=11, words=5, depth=2),
    )
    return Report(
        tailrace="0.1.0",
        model=Model(
            name="digits_mlp",
            sha256="9f2c4e0a7d1b8c3f65a0e4d2b7196c8f03a5d7e1c9b24680fdb97531eca86420",
            ops={"Dense": 4, "Map": 3},
        ),
        target=Target(part="ecp5-85k", clock_mhz=100.0, fps=750_000.0, totals=ECP5_85K),
        layers=layers,
        streams=streams,
        performance=Performance(interval_cycles=128, latency_cycles=311, fps=781250.0, source="rtl"),
        verify=Verify(
            software=Check(vectors=1024, mismatches=0, framework_rounding=3, reference="qonnx"),
            hls=Check(vectors=1024, mismatches=0),
            rtl=Check(vectors=1024, mismatches=0, stall=0.3),
            netlist=Check(vectors=256, mismatches=0),
        ),
        synth=Synth(
            tool="yosys 0.70",
            lut=7118,
            ff=4564,
            carry=1543,
            dsp=0,
            bram18=17,
            uram=0,
            per_layer_sum=True,
            cells={"LUT4": 7118, "TRELLIS_FF": 4564, "CCU2C": 1543, "DP16KD": 17},
        ),
        timing=Timing(
            tool="nextpnr-ecp5 0.11",
            fmax_mhz=121.34,
            met=True,
            utilization={
                "DP16KD": Occupied(used=17, available=208),
                "TRELLIS_COMB": Occupied(used=8004, available=83_640),
                "TRELLIS_FF": Occupied(used=4601),
                "USRMCLK": Occupied(used=0, available=1),
            },
        ),
        bitstream="synth/digits_mlp.bit",
        accuracy=Accuracy(dataset="MNIST test", correct=9713, total=10000),
        host=Host(
            input=HostSide(
                shape=(1, 28, 28),
                type="int2",
                scale=0.5,
                steps=("Reshape to 784", "multiply by 2", "round half to even", "clip to -2..1"),
                text="The network quantizes its input itself; the host applies the same function.",
            ),
            output=HostSide(
                shape=(10,),
                type="int11",
                scale=0.015625,
                steps=("multiply by 0.015625", "softmax, in float32"),
            ),
        ),
        seconds={"import": 0.41, "plan": 0.12, "emit": 0.23, "verify": 14.2, "synth": 48.6, "place": 141.0},
        commands=(
            "pip install tailrace==0.1.0",
            "tailrace build digits_mlp.onnx --part ecp5-85k --clock 100 --fps 750000 -o build/digits",
            "tailrace sim build/digits -n 1024 --seed 1",
            "tailrace report build/digits -o report.html",
        ),
    )


def residual() -> Report:
    """A network of twelve layers with a fork and a join; HLS and netlist not run, a few synthesized."""
    slowest = 49_152

    # The figures stand in the order of a table.
    def layer(name, block, interval, lut=None, ff=None, dsp=None, bram=None, measured=None, **more) -> Layer:  # noqa: PLR0917
        synth = None
        if measured is not None:
            synth = LayerSynth(lut=measured[0], ff=measured[1], dsp=dsp, bram18=bram, source="yosys")
        return Layer(
            name=name,
            block=block,
            interval_cycles=interval,
            utilization=None if interval is None else round(interval / slowest, 6),
            lut=lut,
            ff=ff,
            dsp=dsp,
            bram18=bram,
            source=None if lut is None else "estimate",
            synth=synth,
            **more,
        )

    def conv(  # noqa: PLR0917
        name, rows, cols, pe, simd, vectors, lut, ff, dsp, bram, measured=None, bits=(8, 4, 18)
    ) -> Layer:
        return layer(
            name,
            "dense_folded",
            vectors * (rows // pe) * (cols // simd),
            lut,
            ff,
            dsp,
            bram,
            measured,
            engine="folded",
            rows=rows,
            cols=cols,
            pe=pe,
            simd=simd,
            vectors=vectors,
            words_in=vectors * (rows // pe) * (cols // simd),
            words_out=vectors * rows // pe,
            in_bits=bits[0],
            weight_bits=bits[1],
            out_bits=bits[2],
            memory_bits=rows * cols * bits[1],
        )

    layers = (
        layer(
            "stem_window", "window", 1024, 310.2, 540.8, 0, 2, (287, 561), vectors=1024, in_bits=8, out_bits=8
        ),
        conv("stem_conv", 16, 27, 4, 3, 1024, 604.0, 702.5, 12, 1, (571, 688)),
        layer(
            "stem_relu",
            "multiply_shift",
            4096,
            188.4,
            260.1,
            4,
            0,
            (203, 244),
            engine=None,
            pe=4,
            in_bits=18,
            out_bits=4,
        ),
        layer("split", "fork", 4096, 12.0, 3.0, 0, 0, (9, 3), in_bits=4, out_bits=4),
        layer("block1_window", "window", 4608, 402.7, 633.3, 0, 3, vectors=1024, in_bits=4, out_bits=4),
        conv("block1_conv1", 16, 144, 8, 6, 1024, 1904.2, 1650.7, 0, 4, bits=(4, 4, 14)),
        layer("block1_relu", "threshold", 2048, 744.1, 302.0, 0, 0, pe=8, in_bits=14, out_bits=4),
        conv("block1_conv2_with_a_long_name", 16, 144, 8, 6, 1024, 1904.2, 1650.7, 0, 4, bits=(4, 4, 14)),
        layer("block1_add", "eltwise", 4096, 160.3, 121.9, 0, 0, pe=4, in_bits=15, out_bits=16),
        layer("block1_out", "threshold_search", 4096, 520.0, 610.2, 0, 2, pe=4, in_bits=16, out_bits=4),
        layer("pool", "pool", 1024, None, None, None, None, vectors=1024, in_bits=4, out_bits=14),
        layer(
            "classifier",
            "dense_spatial",
            1,
            2210.5,
            1904.4,
            0,
            0,
            engine="spatial",
            rows=10,
            cols=16,
            in_bits=14,
            weight_bits=6,
            out_bits=22,
        ),
    )
    streams = tuple(
        StreamEdge(source=source, target=target, lanes=lanes, bits=bits, words=words, depth=depth)
        for source, target, lanes, bits, words, depth in (
            ("input", "stem_window", 3, 8, 1024, 2),
            ("stem_window", "stem_conv", 3, 8, 9216, 2),
            ("stem_conv", "stem_relu", 4, 18, 4096, 2),
            ("stem_relu", "split", 4, 4, 4096, 2),
            ("split", "block1_window", 4, 4, 4096, 2),
            ("split", "block1_add", 4, 4, 4096, 412),
            ("block1_window", "block1_conv1", 6, 4, 24576, 2),
            ("block1_conv1", "block1_relu", 8, 14, 2048, 2),
            ("block1_relu", "block1_conv2_with_a_long_name", 8, 4, 2048, 16),
            ("block1_conv2_with_a_long_name", "block1_add", 4, 15, 4096, 2),
            ("block1_add", "block1_out", 4, 16, 4096, 2),
            ("block1_out", "pool", 4, 4, 4096, 2),
            ("pool", "classifier", 16, 14, 1, 2),
            ("classifier", "output", 10, 22, 1, None),
        )
    )
    return Report(
        tailrace="0.1.0",
        model=Model(name="residual_tiny", ops={"Conv": 3, "Map": 3, "Add": 1, "Pool": 1, "Dense": 1}),
        target=Target(
            part="xczu7ev",
            clock_mhz=200.0,
            totals=Totals(lut=230_400, ff=460_800, dsp=1728, bram18=624, uram=96),
        ),
        layers=layers,
        streams=streams,
        performance=Performance(
            interval_cycles=slowest, latency_cycles=None, fps=4069.0104166666665, source="plan"
        ),
        verify=Verify(
            software=Check(vectors=64, mismatches=0, framework_rounding=0, reference="brevitas"),
            hls=None,
            rtl=Check(vectors=16, mismatches=0, stall=0.3),
            netlist=None,
        ),
        host=Host(
            input=HostSide(
                shape=(3, 32, 32),
                type="fixed<16,6>",
                scale=0.0009765625,
                steps=("multiply by 1024", "round half to even", "clip to -32768..32767", "channels last"),
            ),
            output=None,
        ),
        notices=(
            "no quantizer on the input: fixed<16,6> was chosen",
            "pool: no estimate for this block on xcup yet",
        ),
        seconds={"import": 1.93, "plan": 0.88, "emit": 0.52, "verify": 62.4, "synth": None},
    )


def failing() -> Report:
    """The MLP with one wrong weight in the Verilog memory: RTL disagrees, the build stopped there."""
    good = mlp()
    return replace(
        good,
        model=replace(good.model, name="digits_mlp <draft & broken>"),
        layers=tuple(replace(layer, synth=None) for layer in good.layers),
        performance=replace(good.performance, latency_cycles=None, fps=None),
        verify=replace(
            good.verify,
            rtl=Check(
                vectors=1024,
                mismatches=37,
                stall=0.3,
                first_mismatch=FirstMismatch(layer="dense_1", index=(12, 5), expected=-41, got=-38),
            ),
            netlist=None,
        ),
        synth=None,
        timing=None,
        bitstream=None,
        accuracy=None,
        seconds={"import": 0.41, "plan": 0.12, "emit": 0.23, "verify": 9.7},
        commands=(),
    )


def missed_clock() -> Report:
    """The MLP on a faster clock that place and route misses, for comparisons."""
    good = mlp()
    return replace(
        good,
        target=replace(good.target, clock_mhz=150.0),
        performance=replace(good.performance, interval_cycles=64, latency_cycles=203, fps=2343750.0),
        synth=replace(good.synth, lut=12904, ff=8210, carry=2710, bram18=29),
        timing=Timing(tool="nextpnr-ecp5 0.11", fmax_mhz=118.9, met=False),
    )


SAMPLES = {"mlp": mlp, "residual": residual, "failing": failing}
