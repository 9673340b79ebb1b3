# Two commands in a fresh clone: `make demo` and `make test`. They need Python 3.11, make and the
# package registries, nothing else.
#
#   make demo                       a street trades for a day, with real proofs
#   make demo ARGS="--page"         the same, to watch in the browser
#   make demo ARGS="--homes 6"      any options of `wattlane demo` (see ARGS="--help")
#   make test                       the whole test suite
#   make test ARGS="tests/protocol" part of it (WORKERS=0: in one process)
#   make test-deep                  the searches and random runs again, larger, and forge and halmos
#                                   on the bytecode (where there is npm): half an hour
#   make bench                      measure against peers: benches/results.json and charts
#   make lint                       ruff, mypy, import rules
#   make install | clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
MARKER := .venv/installed
ARGS ?=
WORKERS ?= 3

.PHONY: demo test test-deep bench lint format install clean

demo: $(MARKER)
	@seconds=$$(cat .venv/install-seconds 2>/dev/null || echo 0); rm -f .venv/install-seconds; \
	WATTLANE_INSTALL_SECONDS=$$seconds exec $(BIN)/wattlane demo $(ARGS)

test: $(MARKER)
	@rm -f .venv/install-seconds
	@$(BIN)/python -m prover.kernels
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
		--no-loadscope-reorder $(ARGS)

test-deep: $(MARKER)
	@$(BIN)/python -m tests.deep
	@$(BIN)/python -m tests.sequencer.api.unlikely
	@WATTLANE_DEEP_TESTS=1 exec $(BIN)/python -m pytest -o timeout=7200 tests/model tests/contracts \
		tests/differential tests/property/test_rollup_machine.py $(ARGS)

bench: $(MARKER)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-bench.lock
	@$(BIN)/python -m benches $(ARGS) && $(BIN)/python -m benches.charts

lint: $(MARKER)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

format: $(MARKER)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(MARKER)

$(MARKER): requirements.lock pyproject.toml tools/install.py
	@$(PYTHON) tools/install.py

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
