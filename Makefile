# Everything runs in .venv, an environment with exactly the packages of envs/requirements.lock.

PYTHON ?= python3.11
CORES ?= 2
# `make lock LOCK_OPTIONS=--upgrade` takes the newest versions; without it pins that still fit stay.
LOCK_OPTIONS ?=
# For pytest, as in `make test TEST_OPTIONS=tests/library`.
TEST_OPTIONS ?= -n $(CORES) --dist loadfile

UV := uv==0.13.9
LOCK := envs/requirements.lock
DOCS_LOCK := envs/docs.lock
VENV := .venv
DOCS_ENV := .venv/docs
INSTALLED := $(VENV)/.installed
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
# One thread for every linear algebra library; a rule raises it to the threads it asks for.
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PYTHONPATH= PYTHONNOUSERSITE=1 \
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1

.PHONY: help env figures report gallery rulegraph baselines test test-all test-cluster test-report lint lock clean clean-results docs

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

env: $(INSTALLED)  ## the pinned environment in .venv (PYTHON=... chooses the interpreter)

$(INSTALLED): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 is needed, and '$(PYTHON)' is not one."; \
		echo "Install it (it may be called python3.11) or name it: make env PYTHON=/path/to/python3.11"; \
		exit 1; } >&2
	@echo "Installing the packages of $(LOCK) into $(VENV): about a minute."
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^[a-z]/ {keep = /^(pip|setuptools)==/} keep' $(LOCK) > $(VENV)/build-tools.txt
	@{ $(PIP) install --quiet --require-hashes -r $(VENV)/build-tools.txt && \
	   $(PIP) install --quiet --require-hashes --no-build-isolation -r $(LOCK); } || { \
		echo "The packages of $(LOCK) could not be installed. They come from PyPI: is there a"; \
		echo "network, and room on the disk? Behind a proxy or a mirror, set HTTPS_PROXY or"; \
		echo "PIP_INDEX_URL. Then run the same command again: nothing half-done stays."; \
		exit 1; } >&2
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@

figures: env  ## every figure of the default run (CORES=2)
	@$(RUN) snakemake --cores $(CORES)
	@echo "The figures are in results/figures."

report: env  ## ledger, figures with captions, claims and provenance in one page, results/report.html
	@$(RUN) snakemake --cores $(CORES) page
	@echo "The report is results/report.html."

gallery: figures  ## the README's small copies of the figures, and its table of what reproduces
	@$(RUN) python docs/gallery.py
	@$(RUN) python docs/ledger_table.py

rulegraph: env  ## docs/rulegraph.svg, the graph of the rules of the default run
	@$(RUN) python docs/rulegraph.py

baselines: env  ## the pictures that tests/figures compares with, after a change that is meant
	@$(RUN) python tests/figures/baselines.py

test: env  ## the test suite but its slow part, the Slurm and the browser: about ten minutes on two cores
	@$(RUN) QUASIPOTENTIAL_LOCKED=1 pytest $(TEST_OPTIONS)

test-all: env  ## the whole test suite
	@$(RUN) QUASIPOTENTIAL_LOCKED=1 pytest -m "" $(TEST_OPTIONS)

test-cluster: env  ## a Slurm of one node, started for the test (docs/cluster.md)
	@$(RUN) QUASIPOTENTIAL_LOCKED=1 pytest -m cluster tests/cluster

test-report: env  ## the report in a headless Chromium
	@$(RUN) QUASIPOTENTIAL_LOCKED=1 pytest -m browser tests/report

lint: env  ## style of the code and of the workflow
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow/rules
	$(RUN) snakemake --lint

docs: $(DOCS_ENV)/.installed  ## docs/ as a site, build/docs, with a reference of the library
	@NO_MKDOCS_2_WARNING=1 PYTHONDONTWRITEBYTECODE=1 $(DOCS_ENV)/bin/mkdocs build --quiet --strict
	@echo "Open build/docs/index.html; it needs no network."

$(DOCS_ENV)/.installed: $(DOCS_LOCK)
	@echo "Installing the packages of $(DOCS_LOCK) into $(DOCS_ENV): half a minute."
	@$(PYTHON) -m venv --clear $(DOCS_ENV)
	@$(DOCS_ENV)/bin/python -m pip --disable-pip-version-check install --quiet \
		--require-hashes -r $(DOCS_LOCK)
	@touch $@

lock:  ## pin the environment anew from pyproject.toml, with uv from a throw-away environment
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && \
	"$$tools/bin/python" -m pip --disable-pip-version-check install --quiet $(UV) && \
	"$$tools/bin/uv" pip compile --quiet --universal --fork-strategy fewest --generate-hashes \
		--python "$$tools/bin/python" --python-version 3.11 --extra slurm --extra test \
		--annotation-style line --custom-compile-command "make lock" $(LOCK_OPTIONS) \
		--output-file $(LOCK) pyproject.toml envs/requirements.in && \
	"$$tools/bin/uv" pip compile --quiet --generate-hashes --python-version 3.11 \
		--annotation-style line --custom-compile-command "make lock" $(LOCK_OPTIONS) \
		--output-file $(DOCS_LOCK) envs/docs.in
	@echo "Now copy the versions into envs/environment.yaml; tests/test_environment.py compares them."

clean:  ## remove the environment and all caches; results stay
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache build workflow/quasipotential.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

clean-results:  ## remove all results, figures and Snakemake's record of them
	@if [ -d results ]; then echo "Removing results ($$(du -sh results | cut -f1)) and .snakemake."; fi
	@rm -rf results .snakemake
