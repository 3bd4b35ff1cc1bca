# Two commands do everything from a fresh clone: `make demo` and `make test`. `make help` lists the rest.
# Needs git, make and Python 3.11 or newer; name another Python with `make demo PYTHON=/path/to/python3.13`.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
WORKERS ?= 2
TESTS ?= tests

.DEFAULT_GOAL := help

# ---------------------------------------------------------------- what people type

.PHONY: help
help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(VENV)/.runtime ## train, compare and score simulated leads, then serve until Ctrl-C
	@$(BIN)/leadscore demo
	@if [ -t 0 ] && [ -t 1 ]; then trap : INT; $(BIN)/leadscore serve || true; fi

.PHONY: test
test: $(VENV)/.dev ## run every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: test-random
test-random: $(VENV)/.dev ## run the property tests with fresh seeds and ten times the examples
	@HYPOTHESIS_PROFILE=random OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile \
		-m hypothesis $(TESTS)

.PHONY: test-oldest
test-oldest: build/oldest/.dev ## run the tests with the oldest versions that pyproject.toml allows
	@OMP_NUM_THREADS=1 build/oldest/bin/python -m pytest -q -n $(WORKERS) --dist loadfile \
		-o filterwarnings=default $(TESTS)  # old packages warn of newer ones beside them

.PHONY: test-spark
test-spark: $(VENV)/.spark ## run the tests that need PySpark and Java 17 (make test skips them)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/scoring/batch/test_spark.py tests/laws/test_law_2_on_spark.py \
		tests/commands/test_cli_scale.py

.PHONY: check
check: $(VENV)/.dev ## formatting, lint, types, and which room may import which
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(VENV)/.dev ## format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: serve
serve: $(VENV)/.runtime ## answer the API with the champion (make demo trains one)
	@trap : INT; $(BIN)/leadscore serve

.PHONY: notebooks
notebooks: $(VENV)/.dev ## run the notebooks again and keep their outputs
	@$(BIN)/python notebooks/run.py

.PHONY: docs
docs: $(VENV)/.dev ## write the pages of the command line, the features and the Python API from the code itself
	@$(BIN)/python docs/write_cli.py
	@$(BIN)/python docs/write_features.py
	@$(BIN)/python docs/write_api.py

.PHONY: messages
messages: $(VENV)/.dev ## texts that people read into the catalogues of languages, and compile them (CODES=de adds one)
	@$(BIN)/python packaging/messages.py update $(CODES)

.PHONY: bench
bench: bench-features bench-scoring bench-quality bench-serving ## every figure of the README, peers in the same run

.PHONY: bench-features
bench-features: $(VENV)/.bench ## vectors: speed and memory
	@$(BIN)/python benchmarks/vectors.py

.PHONY: bench-scoring
bench-scoring: $(VENV)/.bench ## the command: 5 million interactions of 100,000 leads to Parquet with reasons
	@$(BIN)/python benchmarks/scoring_run.py

.PHONY: bench-reading
bench-reading: $(VENV)/.bench ## reading: one file, 200 partitions, a query and an object store give one dataset
	@$(BIN)/python benchmarks/reading.py

.PHONY: bench-quality
bench-quality: $(VENV)/.bench ## models: log loss and AUC on the real sets
	@$(BIN)/python benchmarks/quality.py

.PHONY: bench-worlds
bench-worlds: $(VENV)/.bench ## models: log loss, mean and intervals against the exact truth of many worlds
	@$(BIN)/python benchmarks/truth.py

.PHONY: bench-immature
bench-immature: $(VENV)/.dev ## leads that are still open: what each way to treat them costs
	@$(BIN)/python benchmarks/immature.py
	@$(BIN)/python benchmarks/short_histories.py

.PHONY: bench-rates
bench-rates: $(VENV)/.dev ## steps, trends and seasons of the rate: the level carried into a release
	@$(BIN)/python benchmarks/moving_rates.py

.PHONY: bench-monitor
bench-monitor: $(VENV)/.dev ## later leads: how often each verdict is given, and whether it is right
	@$(BIN)/python benchmarks/monitor.py

.PHONY: bench-gate
bench-gate: $(VENV)/.dev ## promotion: how often good challengers, leaks and shuffled labels pass
	@$(BIN)/python benchmarks/gate_criteria.py
	@$(BIN)/python benchmarks/gate.py

.PHONY: bench-forecast
bench-forecast: $(VENV)/.dev ## forecasts from rolling origins: how often their intervals hold
	@$(BIN)/python benchmarks/forecast.py

.PHONY: bench-exploration
bench-exploration: $(VENV)/.dev ## calls at random with a known effect: how often it is found
	@$(BIN)/python benchmarks/exploration.py

.PHONY: bench-serving
bench-serving: $(VENV)/.bench ## the API: requests a second and latency
	@$(BIN)/python benchmarks/serving.py

.PHONY: bench-stalls
bench-stalls: $(VENV)/.dev ## the API: how long one request keeps all others waiting
	@$(BIN)/python benchmarks/stalls.py

.PHONY: bench-scale
bench-scale: $(VENV)/.bench ## 100 million interactions in buckets, and Spark (takes 12 GB of disk)
	@$(BIN)/python benchmarks/buckets.py
	@$(BIN)/python benchmarks/spark.py

.PHONY: day
day: $(VENV)/.dev ## a day with 100,000 leads, a failing receiver and ten kill -9 (takes some ten minutes)
	@LEADSCORE_DAY_LEADS=100000 LEADSCORE_DAY_HISTORY=4000 LEADSCORE_DAY_HOURS=10 LEADSCORE_TEST_WAIT_S=600 \
		OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s tests/faults/test_a_day.py

.PHONY: soak
soak: $(VENV)/.dev ## ten minutes of half load: no growth, no error
	@$(BIN)/python benchmarks/soak.py

.PHONY: stability
stability: $(VENV)/.dev ## train DATASET=folder RUNS=300 times: none dies, all bytes are equal (hours)
	@$(BIN)/python benchmarks/training_stability.py $(DATASET) --runs $(or $(RUNS),300)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Schemathesis on every operation of the API, every check on (needs the package index)
	@test -x build/fuzz/bin/schemathesis || { $(PYTHON_FOUND) -m venv build/fuzz && \
		build/fuzz/bin/python -m pip --disable-pip-version-check -qq install 'schemathesis>=4.32,<5'; }
	@$(BIN)/python benchmarks/fuzz.py

.PHONY: site
site: build/site/.installed ## build the documentation site into build/site/html; a warning fails
	@NO_MKDOCS_2_WARNING=1 build/site/bin/mkdocs build --quiet --strict --site-dir build/site/html
	@echo "build/site/html/index.html"

.PHONY: wheels
wheels: $(VENV)/.dev ## build leadscore, leadscore-serve and leadscore-client into dist/
	@$(BIN)/python packaging/build.py dist

.PHONY: check-deploy
check-deploy: $(VENV)/.dev ## the image's steps in a virtual environment, and the manifests (needs the package index)
	@deploy/check.sh $(BIN)/python

.PHONY: lock
lock: ## resolve requirements/*.txt again (needs the package index)
	@$(PYTHON_FOUND) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	@$(LOCK) -o requirements/runtime.txt
	@$(LOCK) --extra dev -c requirements/runtime.txt -o requirements/dev.txt
	@$(LOCK) --extra dev --extra spark -c requirements/dev.txt -o requirements/spark.txt
	@$(LOCK) --extra bench -o requirements/bench.txt
	@$(PYTHON_FOUND) packaging/build.py --requirements leadscore-serve > build/serve.in
	@build/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 build/serve.in requirements/build.in -c requirements/dev.txt -o requirements/serve.txt
	@$(LOCK) --extra dev --resolution lowest-direct -o requirements/oldest.txt
	@build/lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
		docs/site/requirements.in -o requirements/site.txt

.PHONY: clean
clean: ## remove everything made here: the environment, caches, var/
	rm -rf $(VENV) build dist var *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- how it is installed
# A file in .venv marks what is installed, so that the second time costs nothing. Each lock holds the
# one before it, with hashes; the project itself is then added without asking any index.

LOCK := build/lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header \
	--no-annotate pyproject.toml requirements/build.in
INSTALL_LOCKED := $(PIP) install --require-hashes -r
INSTALL_PROJECT := $(PIP) install --no-deps --no-index --no-build-isolation \
	--config-settings editable_mode=compat -e .

# The first Python that is new enough; a clear word when there is none.
PYTHON_FOUND = $$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; exit; }; \
	done; echo no-python)

$(VENV)/bin/python:
	@python=$(PYTHON_FOUND); if [ "$$python" = no-python ]; then \
	  echo "leadscore needs Python 3.11 or newer; python3 here is $$(python3 -V 2>&1 || true)." >&2; \
	  echo "Install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	echo "making $(VENV) with $$($$python -V)" >&2; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$$python cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the locked packages (once; a minute or two)" >&2
	@$(INSTALL_LOCKED) requirements/runtime.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the locked packages with the test tools (once; a minute or two)" >&2
	@$(INSTALL_LOCKED) requirements/dev.txt
	@$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.runtime

$(VENV)/.spark: requirements/spark.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the locked packages with PySpark (once; some minutes)" >&2
	@$(INSTALL_LOCKED) requirements/spark.txt
	@$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.dev $(VENV)/.runtime

$(VENV)/.bench: requirements/bench.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the locked packages with the benchmark peers (once; some minutes)" >&2
	@$(INSTALL_LOCKED) requirements/bench.txt
	@$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.dev $(VENV)/.runtime

build/oldest/.dev: requirements/oldest.txt pyproject.toml
	@echo "installing the oldest packages that are allowed (once; some minutes)" >&2
	@$(PYTHON_FOUND) -m venv build/oldest
	@build/oldest/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/oldest.txt
	@build/oldest/bin/python -m pip --disable-pip-version-check -qq install --no-deps --no-index \
		--no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

build/site/.installed: requirements/site.txt
	@echo "installing what builds the site (once)" >&2
	@$(PYTHON_FOUND) -m venv build/site
	@build/site/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/site.txt
	@touch $@
