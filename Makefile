# Everything runs in .venv, which is made from the lock file on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench bench-quick bench-national lock clean

demo: $(STAMP)  ## rank the bundled region and show a few vacancies
	@$(BIN)/koppel demo

test: $(STAMP)  ## pass the tests
	@$(BIN)/python -m pytest

lint: $(STAMP)  ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP)  ## measure, and write the tables to benchmarks/results/
	@$(BIN)/python -m benchmarks

bench-quick: $(STAMP)  ## the kernels against two peers on a fifth of the country, in about three minutes
	@$(BIN)/python -m benchmarks.kernel --profiles 200000 --data ind clus --peers sparse_dot_topn sp_matmul_rs

bench-national: $(STAMP)  ## a night of the whole country
	@$(BIN)/python -m benchmarks.national

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
