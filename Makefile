# Every target sets up its own virtual environment when there is none, with the versions in constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
EXAMPLE = examples/complete_journey
# Files of tests side by side, since the fixtures of a file, a refresh or several, are made once a process.
PYTEST = $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: help demo test check docs clients format clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## run the main job on real data and show what came out
	$(BIN)/python $(EXAMPLE)/prepare.py
	$(BIN)/segwarehouse refresh --project $(EXAMPLE)
	$(BIN)/python $(EXAMPLE)/look.py

test: $(VENV)/.installed  ## run the tests
	$(PYTEST)

check: $(VENV)/.installed  ## all that continuous integration runs: format, lint, types, layers, documentation, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zensical build --strict --clean
	$(PYTEST)

docs: $(VENV)/.installed  ## build the documentation into site/, where any warning is an error
	$(BIN)/zensical build --strict --clean

clients: $(VENV)/.installed  ## read a published state with clients that need environments of their own; takes minutes
	$(BIN)/python -m benchmarks.clients

format: $(VENV)/.installed  ## put the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the virtual environment, what was built and what the tools keep
	rm -rf $(VENV) dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,dev]'
	touch $@
