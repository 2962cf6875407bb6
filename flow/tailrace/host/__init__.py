# SPDX-License-Identifier: Apache-2.0
"""The computer beside a board: frames to bytes and back, packets, and a device on a serial line.

Nothing here needs a compiler or ONNX: numpy, and pyserial for the line (``pip install 'tailrace[board]'``).
"""

from tailrace.host.description import Description, InputStream, OutputStream, load
from tailrace.host.device import Device, LinkError
from tailrace.host.packing import pack, unpack

__all__ = ["Description", "Device", "InputStream", "LinkError", "OutputStream", "load", "pack", "unpack"]
