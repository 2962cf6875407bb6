# SPDX-License-Identifier: Apache-2.0
"""Write an encoder block of a transformer with random weights, to be built: attention and two layers, with residuals.

``python bench/encoder.py --tokens 32 --features 8 --heads 1 --hidden 32 --bits 4 -o head.onnx``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from token_networks import Encoder


def main() -> None:
    """Write the network that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (
        ("tokens", 16),
        ("features", 32),
        ("heads", 2),
        ("hidden", 64),
        ("bits", 4),
        ("seed", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--normalized", action="store_true", help="with layer normalization behind each sum")
    parser.add_argument("-o", "--output", type=Path, default=Path("encoder.onnx"))
    options = vars(parser.parse_args())
    output, seed = options.pop("output"), options.pop("seed")
    Encoder(**options).save(output, seed)


if __name__ == "__main__":
    main()
