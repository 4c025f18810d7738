# Everything runs in .venv, which is made from the lock file on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REGION ?= Rijk van Nijmegen

.PHONY: demo pilot test lint bench bench-quick bench-national bench-nightly bench-pages boundscheck lock clean

demo: $(STAMP)  ## rank the bundled region and show a few vacancies
	@$(BIN)/koppel demo

pilot: $(STAMP)  ## what the exchange would add in a region, on made-up records; writes out/pilot/report.html
	@$(BIN)/koppel pilot run --region "$(REGION)" -o out/pilot

test: $(STAMP)  ## pass the tests
	@$(BIN)/python -m pytest

lint: $(STAMP)  ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP)  ## the core against its peers, in about ten minutes; writes benchmarks/results/core.md
	@$(BIN)/python -m benchmarks

bench-quick: $(STAMP)  ## the same on a fifth of the country, in about three minutes
	@$(BIN)/python -m benchmarks --quick

bench-national: $(STAMP)  ## a night of the whole country
	@$(BIN)/python -m benchmarks.national

bench-nightly: $(STAMP)  ## two nights of an exchange, from its sources to published folders
	@$(BIN)/python -m benchmarks.nightly

bench-pages: $(STAMP)  ## records a second, and how well titles are linked and neighbours found
	@for page in throughput linking neighbours; do $(BIN)/python -m benchmarks.$$page || exit 1; done

boundscheck: $(STAMP)  ## the tests with kernels that check every index, compiled apart
	@NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)/boundscheck $(BIN)/python -m pytest

lock:  ## make the lock file anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --all-extras --group dev --group bench --exclude-newer "$$(date -u -d "7 days ago" +%F)" --upgrade pyproject.toml -o requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "Compiling the kernels, once ..."
	@$(BIN)/koppel demo --profiles 200 --vacancies 20 --show 1 >/dev/null
	@touch $@

clean:
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
