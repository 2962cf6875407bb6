# SPDX-License-Identifier: Apache-2.0
"""When words move: the schedules of the blocks, the stream simulator, the depths of FIFOs."""
