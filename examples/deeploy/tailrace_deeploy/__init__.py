# SPDX-License-Identifier: Apache-2.0
"""The integer operations of Deeploy and QuantLib: an extension of tailrace."""

from tailrace.extend import Addition, Extension, Handler

from tailrace_deeploy.handlers import write_nonorm, write_requant, write_rms, write_softmax
from tailrace_deeploy.operations import FOLDING, SOFTWARE, IntegerRms, IntegerSoftmax, place_none

DOMAIN = "tailrace_deeploy.software"
"""The ONNX domain of the operations: the module in which QONNX finds their software."""

WRITERS = {
    "RequantShift": write_requant,
    "iNoNorm": write_nonorm,
    "iRMSNorm": write_rms,
    "iSoftmax": write_softmax,
}

EXTENSION = Extension(
    name="deeploy",
    operations=tuple(
        Addition(operation=operation, folding=FOLDING, lowering=place_none, software=SOFTWARE)
        for operation in (IntegerRms, IntegerSoftmax)
    ),
    handlers={(DOMAIN, operation): Handler(write=write) for operation, write in WRITERS.items()},
    spellings=dict.fromkeys(WRITERS, DOMAIN),
)
