# SPDX-License-Identifier: Apache-2.0
"""Networks of sequences: those with recurrent layers are built as one step, whose states are kept from step to step."""

from tailrace.frontend.recurrence.sheet import Step
from tailrace.frontend.recurrence.step import step_of

__all__ = ["Step", "step_of"]
