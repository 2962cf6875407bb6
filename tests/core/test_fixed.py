# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats against the ap_fixed headers that hls4ml ships, every mode, over whole ranges."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tailrace.core.fixed import OVERFLOWS, ROUNDINGS, FixedFormat, shifted

SOURCE = 9, 5  # bits and fraction bits of the numbers that come in
FORMATS = [
    FixedFormat(bits=bits, fraction_bits=fraction, signed=signed, rounding=rounding, overflow=overflow)
    for (bits, fraction), signed, rounding, overflow in product(
        ((4, 2), (3, -1)), (True, False), ROUNDINGS, OVERFLOWS
    )
]
DOUBLES = np.concatenate(
    [np.arange(-600, 600) / 64.0, [1e9 + 0.25, -1e9 - 0.75, 2.0**40 + 3, -(2.0**41) - 5]]
)


def _cpp(number: int, fmt: FixedFormat) -> str:
    kind = f"ap_{'' if fmt.signed else 'u'}fixed<{fmt.bits}, {fmt.integer_bits}, AP_{fmt.rounding}, AP_{fmt.overflow}>"
    bits = f"(long long)(ap_{'' if fmt.signed else 'u'}int<{fmt.bits}>)y.range()"
    return f"""
static void f{number}() {{
    for (int i = -{1 << (SOURCE[0] - 1)}; i < {1 << (SOURCE[0] - 1)}; i++) {{
        ap_fixed<{SOURCE[0]}, {SOURCE[0] - SOURCE[1]}> x; x.range() = i; {kind} y = x; printf("%lld ", {bits});
    }}
    for (double d : doubles) {{ {kind} y = d; printf("%lld ", {bits}); }}
    printf("\\n");
}}"""


def test_every_mode_is_that_of_the_ap_fixed_headers(tmp_path: Path) -> None:
    spec = find_spec("hls4ml")
    if spec is None or spec.origin is None:
        pytest.skip("needs the headers in hls4ml's wheel: pip install 'tailrace[hls]'")
    headers = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
    doubles = ", ".join(repr(float(d)) for d in DOUBLES)
    text = (
        f'#include "ap_fixed.h"\n#include <cstdio>\nstatic const double doubles[] = {{{doubles}}};'
        + "".join(_cpp(i, fmt) for i, fmt in enumerate(FORMATS))
        + "\nint main() {"
        + "".join(f" f{i}();" for i in range(len(FORMATS)))
        + " }\n"
    )
    (tmp_path / "modes.cpp").write_text(text)
    command = ["g++", "-O0", "-w", f"-I{headers}", "modes.cpp", "-o", "modes"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    lines = subprocess.run(
        [tmp_path / "modes"], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    x = np.arange(-(1 << (SOURCE[0] - 1)), 1 << (SOURCE[0] - 1), dtype=np.int64)
    for fmt, line in zip(FORMATS, lines, strict=True):
        expected = np.array(line.split(), np.int64)
        assert expected[: len(x)].tolist() == fmt.quantize(x, SOURCE[1]).tolist(), str(fmt)
        assert expected[len(x) :].tolist() == fmt.from_floats(DOUBLES).tolist(), str(fmt)


def test_a_format_says_itself_as_hls4ml_writes_it() -> None:
    assert str(FixedFormat(bits=16, fraction_bits=10, signed=True)) == "fixed<16,6>"
    fmt = FixedFormat(bits=8, fraction_bits=6, signed=False, rounding="RND", overflow="SAT")
    assert str(fmt) == "ufixed<8,2,RND,SAT>"
    assert (fmt.low, fmt.high) == (0, 255)


def test_a_number_beyond_62_bits_is_refused() -> None:
    fmt = FixedFormat(bits=62, fraction_bits=40, signed=True)
    with pytest.raises(ValueError, match="62 bits"):
        fmt.quantize(np.array([1 << 30]), 0)


def test_a_negative_shift_is_exact() -> None:
    assert shifted(np.array([-3, 5]), -2, "RND").tolist() == [-12, 20]
