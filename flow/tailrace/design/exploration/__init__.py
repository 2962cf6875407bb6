# SPDX-License-Identifier: Apache-2.0
"""Sweeps over networks, parts, rates and engines: estimate all designs, measure those that no other one beats."""

from __future__ import annotations

from tailrace.design.exploration.points import Sweep, rates
from tailrace.design.exploration.pool import pool
from tailrace.design.exploration.run import explore
from tailrace.design.exploration.store import Store

__all__ = ["Store", "Sweep", "explore", "pool", "rates"]
