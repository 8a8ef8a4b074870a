# Every target does its own set-up; all that is needed is Python 3.11 to 3.13 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
STAMP := $(VENV)/.installed
# Compiled modules make Airflow and TensorFlow start three times as fast.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## create .venv and install the locked packages into it (GPU=1: TensorFlow with CUDA)

$(STAMP): requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "tsflow needs Python 3.11 to 3.13; found: $$($(PYTHON) --version). Name one: make PYTHON=python3.12 ..."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes --link-mode copy --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
ifdef GPU
	$(BIN)/uv pip uninstall --quiet --python $(BIN)/python tensorflow-cpu
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode "tensorflow[and-cuda]==$$(sed -n 's/^tensorflow==\([0-9.]*\).*/\1/p' requirements.lock)"
endif
	@touch $@

run: install ## bring up the stack, ingest and retrain once, show the leaderboard; the stack stays up
	$(BIN)/tsflow up
	$(BIN)/tsflow run

stop: install ## stop the stack; data stays in .tsflow
	$(BIN)/tsflow down

status: install ## show the stack's parts and their health
	$(BIN)/tsflow status

test: install ## run all tests, two files at a time (starts a real object store and a real Airflow on loopback)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile

lint: install ## check style, types and the floors of the design
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: ## renew requirements.lock from pyproject.toml, for all Pythons at once
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra embedded --extra cluster --group dev pyproject.toml --output-file requirements.lock

docs: install ## renew the parts of docs/ that are made from the code
	$(BIN)/python docs/make.py

wheel: install ## build dist/*.whl, from which programs install the client
	$(BIN)/python -m hatchling build --target wheel

env: ## generate .env with fresh secrets for docker compose
	$(PYTHON) deploy/make_env.py

clean: ## stop the stack and delete its data, and the virtual environment
	-test -x $(BIN)/tsflow && $(BIN)/tsflow down
	rm -rf .tsflow $(VENV)

.PHONY: help install run stop status test lint format lock docs wheel env clean
