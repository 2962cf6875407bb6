# SPDX-License-Identifier: Apache-2.0
"""Try random networks with quantizers behind anything: how many are exact, and why the others are refused.

``python bench/signal_chains.py --count 1000`` imports each network, and compares every quantizer with the network's own
software (E1), and the graph before and after lowering. What is wrong is printed with its seed.
"""

from __future__ import annotations

import argparse
import collections
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from networks import check
from signal_chains import random_chain
from tailrace.frontend import UnsupportedError


def main() -> None:
    """Try many, and say how many are exact and why the others are refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    refused: collections.Counter[str] = collections.Counter()
    wrong, rounded, exact = [], 0, 0
    for seed in range(options.first, options.first + options.count):
        with tempfile.TemporaryDirectory() as folder:
            try:
                network = random_chain(seed)
                result = check(network, Path(folder))
            except UnsupportedError as error:
                for problem in error.problems:
                    refused[
                        f"{problem.operation}: {problem.found} -> {problem.hint}"[:150] + f" [{seed}]"
                    ] += 1
            except Exception as error:  # noqa: BLE001 - every kind is what is looked for
                wrong.append(f"{seed}: {type(error).__name__}: {str(error)[:300]}")
                print(wrong[-1], flush=True)
            else:
                exact, rounded = exact + 1, rounded + bool(result.framework_rounding)
    print(
        f"{options.count} networks: {exact} exact ({rounded} with roundings of the framework), {len(wrong)} wrong"
    )
    for reason, count in refused.most_common():
        print(f"{count:5}  {reason}")


if __name__ == "__main__":
    main()
