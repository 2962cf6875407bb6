# SPDX-License-Identifier: Apache-2.0
"""How each operation becomes blocks on the sheet: the table LOWERINGS.

A lowering takes the sheet, the node, and a wire for each of its inputs. It adds instances, the last of which has the
node's name, and returns the wire that carries its output. Raises MappingError, or ValueError for what no block can do.
"""

from collections.abc import Callable

from tailrace.core.table import Table
from tailrace.graph import (
    Add,
    Affine,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Map,
    Multiply,
    Normalize,
    Operation,
    Pad,
    Permute,
    Pool,
    Product,
    Reshape,
    Shuffle,
    Slice,
    Softmax,
    Upsample,
    Window,
)
from tailrace.planning.lowering.moving import (
    place_concat,
    place_pad,
    place_permute,
    place_reshape,
    place_shuffle,
    place_slice,
    place_upsample,
)
from tailrace.planning.lowering.pointwise import (
    place_add,
    place_affine,
    place_argmax,
    place_bias,
    place_map,
    place_multiply,
    place_normalize,
    place_pool,
    place_softmax,
)
from tailrace.planning.lowering.product import place_dense, place_depthwise, place_product
from tailrace.planning.lowering.window import place_window

Lowering = Callable[..., str]
"""(Layout, node, wire for each input) -> wire; each takes the type and the number of wires that it stands beside."""

LOWERINGS: Table[type[Operation], Lowering] = Table(
    "LOWERINGS",
    __name__,
    {
        Dense: place_dense,
        Depthwise: place_depthwise,
        Product: place_product,
        Map: place_map,
        Bias: place_bias,
        Affine: place_affine,
        Add: place_add,
        Multiply: place_multiply,
        ArgMax: place_argmax,
        Softmax: place_softmax,
        Pool: place_pool,
        Normalize: place_normalize,
        Window: place_window,
        Pad: place_pad,
        Upsample: place_upsample,
        Shuffle: place_shuffle,
        Concat: place_concat,
        Slice: place_slice,
        Permute: place_permute,
        Reshape: place_reshape,
    },
)
"""How each operation is placed where it is folded; what the spatial engine computes is in ``side_by_side``."""
