# `make scan` and `make test` set everything up by themselves, in a virtual environment of their own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: scan test lint types contracts check bench lock clean

scan: $(VENV)/ready
	$(BIN)/seawall scan examples || [ $$? -eq 1 ]

test: $(VENV)/ready-dev
	$(BIN)/pytest

lint: $(VENV)/ready-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/ready-dev
	$(BIN)/mypy

contracts: $(VENV)/ready-dev
	$(BIN)/lint-imports

check: lint types contracts test

bench: $(VENV)/ready-dev
	$(BIN)/python -m bench.scan

$(VENV)/ready: requirements/runtime.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/ready-dev: requirements/dev.txt $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file requirements/runtime.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras --group dev --output-file requirements/dev.txt pyproject.toml

clean:
	rm -rf $(VENV)
