# SPDX-License-Identifier: Apache-2.0
#
# Everything runs inside .venv, which the first target that needs it makes. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV    := .venv
BIN     := $(VENV)/bin
# Processes of the test run; the simulators of one test use one core each.
JOBS    ?= 2
# More arguments for pytest, such as ARGS="-k skid --seed 7".
ARGS    ?=
# Where and for what the example is built.
PART    ?= ecp5-25k
OUT     ?= build/digits
EXAMPLE := examples/digits/digits.onnx
TAILRACE_BUILD = $(BIN)/tailrace build $(EXAMPLE) -o $(OUT) --part $(PART) --clock 50 --fps 100e3

# Nothing here opens a window.
export MPLBACKEND := Agg

.PHONY: help
help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  %-10s %s\n", $$1, $$2}'
	@echo "The environment is $(VENV) (remove the folder to start afresh); the command is $(BIN)/tailrace."

# --- environment ---------------------------------------------------------------------------------------------

# A system without a compiler is told so at once, not by Verilator ten minutes later.
.PHONY: system
system:
	@missing=""; \
	for program in g++ perl; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
	    echo "tailrace needs$$missing (Verilator compiles its simulators with them)" >&2; \
	    echo "  hint: sudo apt-get install g++ make perl" >&2; \
	    exit 1; \
	fi

$(BIN)/python: | system
	@python=""; \
	for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "tailrace needs Python 3.11, 3.12 or 3.13; python3 is $$(python3 --version 2>&1)" >&2; \
	    echo "  hint: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -m venv $(VENV); then \
	    rm -rf $(VENV); \
	    echo "$$python cannot make a virtual environment" >&2; \
	    echo "  hint: sudo apt-get install python3-venv" >&2; \
	    exit 1; \
	fi

# Stamps: pip runs again only when pyproject.toml changes.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[hls,synth,pnr]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[hls,synth,pnr,explore,board,dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-all: pyproject.toml | $(VENV)/.installed-dev
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[all,dev]'
	@touch $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[docs]'
	@touch $@

# --- example -------------------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.installed | system ## build the bundled example with every stage and print its report
	$(TAILRACE_BUILD) --backend both --vectors examples/digits/digits_test.npz
	@echo; $(BIN)/tailrace report $(OUT)

.PHONY: synth
synth: $(VENV)/.installed | system ## synthesize the Verilog of the bundled example
	$(TAILRACE_BUILD) --backend rtl --to synth

# --- tests ---------------------------------------------------------------------------------------------------

PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: lint
lint: $(VENV)/.installed-dev | system ## ruff, mypy, Verilator's lint of blocks and designs, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q -m lint

# The core (tensors, graph, planning, what is emitted), the checks themselves, and one small network down the whole
# ladder: software, C++, Verilog, synthesis, netlist. Of the Verilog, what differs from the branch main is linted.
QUICK = tests/core tests/graph tests/targets tests/emission/test_emit.py tests/planning/test_folding.py \
	tests/planning/test_names.py tests/planning/test_requantize.py tests/frontend/test_forms.py tests/design/test_config.py \
	tests/tools/test_cache.py tests/verify/test_constants.py tests/verify/test_vectors.py tests/verify/test_hls.py \
	tests/verify/test_stalls.py tests/test_layout.py \
	'tests/test_ladder.py::test_a_small_random_network_is_equal_down_to_its_netlist[0]'
CHANGED = $(shell base=$$(git merge-base HEAD main 2>/dev/null || echo HEAD); \
	git diff --name-only --diff-filter=d $$base -- rtl/*.v ip/*.v; git ls-files --others --exclude-standard -- rtl/*.v ip/*.v)

.PHONY: quick
quick: $(VENV)/.installed-dev | system ## an answer in two minutes: lint of what changed, the core, one small network down the ladder
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(CHANGED),$(BIN)/python -m pytest -q tests/test_layout.py -k 'lint_clean and ($(subst $() , or ,$(strip $(basename $(notdir $(CHANGED))))))')
	$(PYTEST) -q -m 'not slow and not lint' $(QUICK) $(ARGS)

.PHONY: mutants
mutants: $(VENV)/.installed-dev | system ## changed designs, one place at a time: which check finds each (an hour)
	$(BIN)/python bench/mutants.py $(ARGS)

.PHONY: test
test: lint | system ## lint and every test that is not slow
	$(PYTEST) -m 'not slow and not lint' $(ARGS)

.PHONY: test-all
test-all: lint $(VENV)/.installed-all | system ## lint and every test (also those with Brevitas), with a seed of its own
	$(PYTEST) -m 'not lint' --seed random $(ARGS)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[notebooks]'
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=3600 examples/notebooks

.PHONY: sim
sim: $(VENV)/.installed-dev | system ## the cocotb benches of the blocks
	$(PYTEST) -m cocotb $(ARGS)

.PHONY: formal
formal: $(VENV)/.installed-dev | system ## the proofs of the handshake blocks
	$(PYTEST) -m formal $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-dev | system ## the spatial engine against da4ml on the jet tagger, side by side
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[bench]'
	$(BIN)/python bench/spatial.py --quick

# --- documents and packages ----------------------------------------------------------------------------------

.PHONY: docs
docs: $(VENV)/.installed-docs ## the documentation as a web page in build/docs
	$(BIN)/mkdocs build --strict # no --quiet: it would hide what --strict counts

.PHONY: wheel
wheel: $(VENV)/.installed-dev ## the source archive and the wheel in dist
	$(BIN)/python -m build --no-isolation

.PHONY: clean
clean: ## remove what was built; .venv stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d \( -name __pycache__ -o -name sim_build \) -print0 | xargs -0 rm -rf
