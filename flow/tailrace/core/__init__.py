# SPDX-License-Identifier: Apache-2.0
"""What everything stands on: types, errors, resources, element order, packing, steps, the data folders."""
