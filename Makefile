# Every target works from a fresh clone with only Python 3.11, pip and make.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install wheel demo run test test-all test-scaffold check reliability kills task-kills bench bench-rebuild docs clean

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once; it takes a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

install: $(STAMP)

# The package in dist/, for `pip install --find-links` or PIP_FIND_LINKS.
wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

demo: $(STAMP)
	@$(BIN)/python -m sample_app.demo

run: $(STAMP)
	@$(BIN)/python -m sample_app

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -rs --ignore tests/scaffold

# The second emulator has an environment of its own, as it pins its own botocore.
build/ministack/.installed: tests/ministack.requirements.txt
	$(PYTHON) -m venv build/ministack
	build/ministack/bin/python -m pip install --quiet --disable-pip-version-check -r tests/ministack.requirements.txt
	@touch $@

# Everything on moto, then what writes to AWS once more on another implementation of it.
test-all: test build/ministack/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal --emulator ministack tests/aws tests/commands tests/pipeline tests/reliability/test_any_history.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/architecture

# A built wheel in a fresh environment: a project from nothing, its tests, its answers.
test-scaffold: $(STAMP)
	$(BIN)/python -m pytest -s tests/scaffold

# Cuts off every operation at every call to AWS and prints what recovery makes of it; some minutes.
reliability: $(STAMP)
	@$(BIN)/python -m tests.reliability.fault_table

# Kills the consumer of a stream 100 times while 1,000 commands are published, and the worker of a task with
# 1,000 sub-tasks 20 times; some minutes.
kills: $(STAMP)
	@$(BIN)/python -m tests.reliability.kill_test

# Kills the worker of a task 20 times while it does 1,000 sub-tasks; many minutes, as the emulator is slow at it.
task-kills: $(STAMP)
	@$(BIN)/python -m tests.reliability.task_kills

# Its peers live in an environment of their own.
build/peers/.installed: pyproject.toml constraints.txt benchmarks/peers/requirements.txt
	$(PYTHON) -m venv build/peers
	build/peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[cli,fast,local]" -r benchmarks/peers/requirements.txt
	@touch $@

# Everything beside its peers and its goals: a table, build/bench.json and the charts of docs/benchmarks.
bench: build/peers/.installed
	@build/peers/bin/python -m benchmarks

bench-rebuild: $(STAMP)
	$(BIN)/python -m benchmarks.rebuild

# The site of the documentation, build/site; a warning is an error. Its tools live in an environment of their own.
build/docs/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@

docs: build/docs/.installed
	build/docs/bin/mkdocs build --strict

clean:
	rm -rf $(VENV) .cqrs_nest .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
