# SPDX-License-Identifier: Apache-2.0
"""The median of a vector, from QONNX to hardware: an extension of tailrace."""

from tailrace.extend import Addition, Extension, Handler

from tailrace_median.block import Median as MedianBlock
from tailrace_median.handler import write_median
from tailrace_median.operation import FOLDING, SOFTWARE, Median, place_median

DOMAIN = "tailrace_median.software"
"""The ONNX domain of the operation: the module in which QONNX finds its software."""

EXTENSION = Extension(
    name="median",
    operations=(Addition(operation=Median, folding=FOLDING, lowering=place_median, software=SOFTWARE),),
    blocks=(MedianBlock,),
    handlers={(DOMAIN, "Median"): Handler(write=write_median)},
)
