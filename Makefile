# Every target sets itself up: nothing needs to be installed beforehand but Python 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test fast lint types chaos fuzz intrude bench eval pins

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv with everything in it

$(STAMP): requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/python -m compileall -q agents cofounder escalations jobs rehearsal manage.py
	@touch $(STAMP)

demo: install  ## build an example while you watch, without any key
	@$(BIN)/python -m cofounder.install.extras
	@DEBUG=true SELF_SERVICE_TOP_UP=true $(BIN)/python manage.py up --demo $(ARGS)

test: install  ## all tests except the chaos run; gets git and Chromium where that is possible
	@$(BIN)/python -m cofounder.install.extras
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not chaos" $(ARGS)

fast: install  ## the tests that start no server
	@$(BIN)/python -m pytest -m "not services" -q $(ARGS)

lint: install  ## formatting, style, imports, types, known vulnerabilities of the packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory types
	@$(BIN)/python -m tests.audit

types: install  ## mypy; its Django plugin reads the settings, which need keys
	@$(BIN)/python -c "from cofounder.config.environment import make_missing_keys; make_missing_keys()"
	$(BIN)/mypy

chaos: install  ## kill two hundred workers at random moments, and break everything else too
	@CHAOS_KILLS=200 $(BIN)/python -m pytest tests/chaos --log-cli-level=INFO $(ARGS)

fuzz: install  ## the API and the commands with a large amount of invalid input
	@FUZZ_EXAMPLES=2000 $(BIN)/python -m pytest tests/cofounder/test_openapi.py tests/test_commands_nonsense.py -n 2 $(ARGS)

intrude: install  ## try to get into a running install (ARGS="http://localhost:8000 --data-dir .cofounder")
	@$(BIN)/python -m intrude $(ARGS)

bench: install .venv-bench/.installed  ## what durability costs, side by side with other systems
	@$(BIN)/python -m bench $(ARGS)

eval: install  ## interview twenty ideas: with ANTHROPIC_API_KEY the model, else the rehearsal's script
	@$(BIN)/python -m bench.interviews $(ARGS)

.venv-bench/.installed: bench/requirements-peers.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@$(BIN)/python -m uv pip install --quiet --compile-bytecode --python .venv-bench/bin/python -r bench/requirements-peers.txt
	@touch $@

pins: install  ## compile the exact pins from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --no-emit-index-url --no-emit-find-links -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --group dev --no-emit-index-url --no-emit-find-links \
		-c requirements.txt -o requirements-dev.txt
