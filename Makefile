# Six verbs; each does its own set-up.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := test

.PHONY: setup check test demo up bench

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kaizen needs Python 3.11 or later; $(PYTHON) is `$(PYTHON) -V`. Name another: make setup PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	@touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

# ALL=1 runs the slow tests too.
test: setup
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(if $(ALL),,-m "not slow")

demo: setup
	$(BIN)/kaizen demo

up: setup
	$(BIN)/kaizen up

bench: setup
	$(BIN)/python -m benchmarks
