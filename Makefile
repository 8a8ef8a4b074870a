# Every target does its own set-up; all that is needed is Python 3.11 to 3.13 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
LOCKS := deploy/locks
TOOLS := $(VENV)/tools
STAMP := $(VENV)/.installed
FAULT_NOTES := .faults.jsonl
QUICK := $(addprefix tests/,evaluation features records requests storage tuning/test_search.py tuning/test_finals.py uncertainty windows \
  champion/test_gate.py test_notes.py test_settings.py test_structure.py)
# Compiled modules make Airflow and TensorFlow start three times as fast.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## create .venv and install the locked packages into it (GPU=1: TensorFlow with CUDA; PROPHET=1: Prophet, too)

define GET_UV
test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCKS)/uv.lock
endef

$(STAMP): requirements.lock $(wildcard $(LOCKS)/*.lock) pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "tsflow needs Python 3.11 to 3.13; found: $$($(PYTHON) --version). Name one: make PYTHON=python3.12 ..."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(GET_UV)
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes --link-mode copy --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
ifdef GPU
	$(BIN)/uv pip uninstall --quiet --python $(BIN)/python tensorflow-cpu
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes --requirement $(LOCKS)/gpu.lock
endif
ifdef PROPHET
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes --requirement $(LOCKS)/prophet.lock
endif
	@touch $@

run: install ## bring up the stack, ingest and retrain once, show the leaderboard; the stack stays up
	$(BIN)/tsflow up
	$(BIN)/tsflow run

stop: install ## stop the stack; data stays in .tsflow
	$(BIN)/tsflow down

status: install ## show the stack's parts and their health
	$(BIN)/tsflow status

# Two files at a time, each with one thread: more would wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

test: install ## run all tests, two files at a time (starts a real object store and a real Airflow on loopback)
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

check: install lint ## the inner loop, in about a minute: style, types, and the tests that start neither Airflow nor a training
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(QUICK)

faults: install ## kill, freeze and lock every part of a stack while it trains, three times each (an hour)
	rm -f $(FAULT_NOTES)
	$(BIN)/python -m pytest tests/faults --fault-rounds=3 --fault-notes=$(FAULT_NOTES)
	$(BIN)/python docs/make.py

bench: install ## measure beside references: trainings, reading, forecasts, Airflow; tables go into docs/performance.md (15 minutes)
	$(BIN)/python benchmarks/bench.py

lint: install ## check style, types and the floors of the design
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

ifneq ($(GPU)$(PROPHET),)
.PHONY: $(STAMP)
endif

COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: ## renew all locks from pyproject.toml, for all Pythons at once
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(GET_UV)
	$(COMPILE) --universal --extra embedded --extra cluster --group dev pyproject.toml --output-file requirements.lock
	$(COMPILE) --universal --extra prophet --constraint requirements.lock pyproject.toml --output-file $(LOCKS)/prophet.lock
	$(COMPILE) --python-platform x86_64-manylinux_2_28 --extra gpu --constraint requirements.lock pyproject.toml --output-file $(LOCKS)/gpu.lock
	echo uv==$(UV_VERSION) | $(COMPILE) --universal - --output-file $(LOCKS)/uv.lock
	printf 'cyclonedx-bom>=7\npip-audit>=2.9\n' | $(COMPILE) --universal - --output-file $(LOCKS)/tools.lock

# In an environment of their own: what they need changes how Airflow checks forms.
$(TOOLS)/.installed: $(STAMP) $(LOCKS)/tools.lock
	$(BIN)/python -m venv --without-pip $(TOOLS)
	$(BIN)/uv pip install --quiet --python $(TOOLS)/bin/python --require-hashes --requirement $(LOCKS)/tools.lock
	@touch $@

audit: $(TOOLS)/.installed ## look every locked package up in the list of known vulnerabilities
	$(TOOLS)/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip

sbom: $(TOOLS)/.installed ## write dist/sbom.json: what is installed, as CycloneDX
	mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json

docs: install ## renew the parts of docs/ that are made from the code
	$(BIN)/python docs/make.py

wheel: install ## build dist/*.whl, from which programs install the client
	$(BIN)/python -m hatchling build --target wheel

env: ## generate .env with fresh secrets for docker compose
	$(PYTHON) deploy/make_env.py

clean: ## stop the stack and delete its data and the virtual environment (SURE=1: with observations and champions)
	@test ! -d .tsflow/objects -o "$(SURE)" = 1 || { echo ".tsflow holds observations and champions, which nobody can make again; to delete them, too: make clean SURE=1"; exit 2; }
	-test -x $(BIN)/tsflow && $(BIN)/tsflow down
	rm -rf .tsflow $(VENV)

.PHONY: help install run stop status test check faults bench lint format lock audit sbom docs wheel env clean
