# Two commands do all the set-up: `make demo` runs the starter recipe, `make test` the tests.
# A machine with a GPU may give another build of PyTorch: make demo TORCH="torch>=2.13"

PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: demo test check docs clean

demo: .venv/installed
	$(BIN)/octavo run recipes/starter.yaml

# In five processes, since some tests wait, a file at a time, each with one thread.
# tests/conftest.py puts the longest files first. They start hundreds of processes, so what Python compiles is kept
# even where the environment says otherwise.
test: .venv/installed-dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site, in site/: open site/index.html, or `.venv/bin/zensical serve` while you write.
docs: .venv/installed-dev
	$(BIN)/zensical build --strict --clean

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet "$(TORCH)" --editable .
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet "$(TORCH)" --editable ".[dev]"
	touch .venv/installed $@

clean:
	rm -rf .venv .cache runs site
