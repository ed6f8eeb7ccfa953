# Every target needs only Python 3.11+ and make: each bootstraps its own environment in .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH := src

.DEFAULT_GOAL := help
.PHONY: help demo up test chaos check bench format lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/run.stamp: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit("Fleetwrite needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# In an environment of its own: what the peers need must not be able to get in the way of what we run.
$(BENCH)/bench.stamp: requirements/run.txt requirements/bench.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	touch $@

demo: $(VENV)/run.stamp ## Run the main job end to end on a sandbox and show the outcome
	$(BIN)/python -m fleetwrite demo

up: $(VENV)/run.stamp ## Start the sandbox (data in .fleetwrite/) and stay
	$(BIN)/python -m fleetwrite up --sandbox --data-dir .fleetwrite

test: $(VENV)/dev.stamp ## Run every test
	$(BIN)/python -m pytest

chaos: $(VENV)/dev.stamp ## Kill everything at random while 5,000 writes flow (CHAOS_SEED=n repeats a run)
	CHAOS_SEED=$${CHAOS_SEED:-$$RANDOM} CHAOS_WRITES=5000 $(BIN)/python -m pytest -s tests/acceptance/test_chaos.py

check: $(VENV)/dev.stamp ## Lint, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH)/bench.stamp ## Measure everything in docs/performance.md (a quarter of an hour; ARGS=--help)
	PYTHONPATH=src:. $(BENCH)/bin/python -m bench $(ARGS)

format: $(VENV)/dev.stamp ## Format the code and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock"
lock: $(VENV)/dev.stamp ## Lock the dependencies anew, with hashes
	$(LOCK) --upgrade pyproject.toml requirements/run.in -o requirements/run.txt
	$(LOCK) --upgrade -c requirements/run.txt pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(LOCK) --upgrade -c requirements/run.txt -c requirements/dev.txt requirements/bench.in -o requirements/bench.txt

clean: ## Remove the environment, caches and the sandbox's data
	rm -rf $(VENV) $(BENCH) .fleetwrite .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
