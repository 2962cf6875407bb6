# SPDX-License-Identifier: Apache-2.0
"""The operations of the integer graph, one module a family.

:data:`OPERATIONS` has one line a type. What the planner, the spatial engine and E1 know of a type stands in their
tables; ``docs/internals/operations.md`` lists them, and a test holds each complete.
"""

from tailrace.core.table import Table
from tailrace.graph.operations.base import Evaluator, Operation, Role
from tailrace.graph.operations.choose import ArgMax
from tailrace.graph.operations.elementwise import Add, Affine, Bias, Map, Multiply
from tailrace.graph.operations.moving import Concat, Permute, Reshape, Shuffle, Slice, Upsample
from tailrace.graph.operations.normalize import Normalize
from tailrace.graph.operations.pool import Pool
from tailrace.graph.operations.product import Dense, Depthwise, Product, exact_matmul
from tailrace.graph.operations.softmax import Softmax
from tailrace.graph.operations.window import Pad, Window

OPERATIONS: Table[str, type[Operation]] = Table(
    "OPERATIONS",
    __name__,
    {
        "Dense": Dense,
        "Map": Map,
        "Add": Add,
        "Multiply": Multiply,
        "Bias": Bias,
        "Affine": Affine,
        "ArgMax": ArgMax,
        "Reshape": Reshape,
        "Permute": Permute,
        "Pad": Pad,
        "Window": Window,
        "Pool": Pool,
        "Depthwise": Depthwise,
        "Product": Product,
        "Upsample": Upsample,
        "Shuffle": Shuffle,
        "Concat": Concat,
        "Slice": Slice,
        "Normalize": Normalize,
        "Softmax": Softmax,
    },
)
"""Every operation, by its name in JSON."""

__all__ = [
    "OPERATIONS",
    "Add",
    "Affine",
    "ArgMax",
    "Bias",
    "Concat",
    "Dense",
    "Depthwise",
    "Evaluator",
    "Map",
    "Multiply",
    "Normalize",
    "Operation",
    "Pad",
    "Permute",
    "Pool",
    "Product",
    "Reshape",
    "Role",
    "Shuffle",
    "Slice",
    "Softmax",
    "Upsample",
    "Window",
    "exact_matmul",
]
