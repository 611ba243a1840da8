# Every target builds the environment it needs; nothing but Python and make has to be there.
PYTHON ?= python3
PORT ?= 9001
ONCE ?=
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --constraint constraints.txt
# Tests run in one process more than there are cores, each of one thread: some wait for servers and programs; those that are
# marked slow wait more, and run in two more. Tests of a module stay together, and some modules too (tests/speed.py). They
# begin with the longest modules, which would otherwise come last, and leave the other processes idle.
MORE_WORKERS := 1
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + $(MORE_WORKERS))")
PARALLEL = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# Results of the runtime's tests, which run without torch, at the same time as all others.
WITHOUT_TORCH := build/tests-without-torch.txt
PIPELINE_WHEEL := $(wildcard pipelines/*.whl)
# Without bytecode, every process would compile what it imports, and rewrite the assertions of all test modules.
test test-fast coverage: export PYTHONDONTWRITEBYTECODE :=
test test-fast coverage: export OMP_NUM_THREADS := 1
test: MORE_WORKERS := 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast coverage check format docs screenshots bench bench-others base arm64 clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: .venv-demo/ready ## The bundled pipeline behind Lambda's own protocols (ONCE=1 ends after one response)
	@.venv-demo/bin/python scripts/demo.py --port $(PORT) $(if $(ONCE),--once)

test: .venv-dev/ready .venv-runtime/ready build/wheels/ready build/cdk/ready ## All tests; those of the runtime without torch
	.venv-runtime/bin/python -m pytest --quiet tests/runtime > $(WITHOUT_TORCH) 2>&1 & runtime=$$!; \
	.venv-dev/bin/python -m pytest $(PARALLEL) --runtime-apart; others=$$?; \
	wait $$runtime; runtime=$$?; cat $(WITHOUT_TORCH); exit $$((others | runtime))

test-fast: .venv-dev/ready ## Tests without those that are marked slow
	.venv-dev/bin/python -m pytest $(PARALLEL) -m "not slow"

coverage: .venv-dev/ready ## Coverage of each package by the tests of make test-fast
	.venv-dev/bin/python -m pytest $(PARALLEL) -m "not slow" --cov --cov-report=
	.venv-dev/bin/python scripts/coverage_report.py

check: .venv-dev/ready ## Format, lint, types
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/ruff check .
	.venv-dev/bin/mypy

format: .venv-dev/ready ## Format and sort imports
	.venv-dev/bin/ruff format .
	.venv-dev/bin/ruff check --fix .

docs: .venv-dev/ready ## The documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 .venv-dev/bin/mkdocs build --strict --quiet
	@echo "build/site/index.html; to read it while you write: .venv-dev/bin/mkdocs serve"

screenshots: .venv-dev/ready ## The images of the documentation, by chromium and chromedriver
	.venv-dev/bin/python scripts/screenshots.py

bench: .venv-dev/ready .venv-runtime/ready .venv-original/ready ## Measure the original path against ours
	.venv-dev/bin/python bench/run.py $(BENCH)
	.venv-dev/bin/python bench/fetch.py
	.venv-dev/bin/python bench/bundle.py
	.venv-dev/bin/python bench/local_overhead.py

bench-others: .venv-others/ready ## Measure our encoders beside those of torch, OpenVINO and CTranslate2
	.venv-others/bin/python bench/others.py $(BENCH)

base: .venv-dev/ready ## As root: a small base image, on which the tests build theirs, without Docker
	@buildah inspect --type image localhost/lambda-python:3.13 >/dev/null 2>&1 || \
		PYTHON=.venv-dev/bin/python scripts/make_base.sh localhost/lambda-python:3.13

arm64: build/arm64/ready ## An arm64 Python, on which QEMU runs the tests' arm64 bundle

clean: ## Remove the environments
	rm -rf .venv-* build/arm64 build/wheels build/cdk build/node

# The environments. Each is made anew when what it is made of changes.

.venv-demo/ready: pyproject.toml constraints.txt $(PIPELINE_WHEEL)
	$(call venv,.venv-demo,-e ".[local]" $(PIPELINE_WHEEL))

.venv-runtime/ready: pyproject.toml constraints.txt $(PIPELINE_WHEEL)
	$(call venv,.venv-runtime,-e . hypothesis pytest pytest-timeout pytest-xdist $(PIPELINE_WHEEL))

.venv-dev/ready: pyproject.toml constraints.txt $(PIPELINE_WHEEL)
	$(call venv,.venv-dev,-e ".[dev]" $(PIPELINE_WHEEL))

.venv-original/ready: constraints.txt
	$(call venv,.venv-original,spacy-transformers spacy-curated-transformers torch)

# An engine that cannot be installed is left out.
.venv-others/ready: pyproject.toml constraints.txt bench/constraints-others.txt $(PIPELINE_WHEEL)
	$(call venv,.venv-others,-e ".[compile]" $(PIPELINE_WHEEL))
	@for engine in "openvino nncf" ctranslate2; do \
		.venv-others/bin/python $(PIP_INSTALL) --constraint bench/constraints-others.txt $$engine || \
			echo "$$engine cannot be installed: left out"; \
	done

# What the tests bundle.
build/wheels/ready: .venv-dev/ready scripts/fetch_wheels.py
	@.venv-dev/bin/python scripts/fetch_wheels.py build/wheels
	@touch $@

# What the tests run an arm64 bundle with.
build/arm64/ready: scripts/make_arm64_root.sh
	@scripts/make_arm64_root.sh build/arm64
	@touch $@

# What the tests deploy with.
build/cdk/ready: .venv-dev/ready scripts/fetch_cdk.py src/spacy_lambda/deploy/cdk_cli.py
	@.venv-dev/bin/python scripts/fetch_cdk.py build/cdk
	@touch $@

define venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
@echo "making $(1): a few minutes the first time"
@rm -rf $(1)
@$(PYTHON) -m venv $(1)
@$(1)/bin/python $(PIP_INSTALL) --upgrade pip
@$(1)/bin/python $(PIP_INSTALL) $(2)
@touch $(1)/ready
endef
