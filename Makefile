# Two commands matter: `make demo` and `make test`. Both make their own environment first; neither asks anything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-for-demo
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
# The tests and the demo start hundreds of processes: each would compile every module anew where the environment forbids to keep what is compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check bench lock clean

# What tests and checks need beside it is left out, unless it is there already.
demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_STAMP))
	@$(BIN)/dsr demo demo-company

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not benchmark" $(PYTEST_OPTIONS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m tests.benchmarks.bench_scan
	$(BIN)/python -m tests.benchmarks.bench_rewrite
	$(BIN)/python -m tests.benchmarks.bench_json_lines
	$(BIN)/python -m tests.benchmarks.bench_discovery
	$(BIN)/python -m pytest -q -s -p no:randomly -m benchmark tests/benchmarks/bench_sql.py tests/benchmarks/bench_search.py tests/benchmarks/bench_one_subject.py tests/benchmarks/bench_erase.py tests/benchmarks/bench_sweep.py tests/benchmarks/bench_drop.py tests/benchmarks/bench_pages.py tests/benchmarks/bench_parquet.py tests/benchmarks/bench_bucket.py tests/benchmarks/bench_cluster.py tests/benchmarks/bench_mail.py tests/benchmarks/bench_estate.py

# Exactly these versions are installed, here and in CI; `make lock` takes newer ones. Modules are compiled when they are first used, not all before.
$(STAMP): pyproject.toml requirements.lock
	@echo "installing into $(VENV) …"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(PIP) --requirement requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

$(DEMO_STAMP): pyproject.toml requirements.lock
	@echo "installing into $(VENV) …"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(PIP) --constraint requirements.lock --editable '.[fast,demo,parquet,lake]'
	@touch $@

lock:
	uv pip compile pyproject.toml --python-version 3.11 --universal --extra fast --extra demo --extra parquet --extra lake --extra azure --extra gcs --extra cluster --extra ldap --extra ocr --extra pst --group dev --group servers --no-header --output-file requirements.lock

clean:
	rm -rf $(VENV) demo-company
