# SPDX-License-Identifier: Apache-2.0
"""Reports as Markdown, HTML, CSV and tables on a terminal."""
