# Every target works from a fresh clone with only Python 3.11, pip and make.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo run test check bench clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/python -m sample_app demo

run: $(STAMP)
	@$(BIN)/python -m sample_app run

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/architecture

bench: $(STAMP)
	$(BIN)/python -m benchmarks.container
	$(BIN)/python -m benchmarks.buses
	$(BIN)/python -m benchmarks.http

clean:
	rm -rf $(VENV) .cqrs_nest .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
