# Everything a developer runs. `make help` lists it.
#
# Only Python 3.11+ and make are needed for `run` and `test`; `check` also needs Node, for buf.
# PYTHON=python3.12 chooses the interpreter, VENV=.venv312 another place for the environment,
# ARGS='-k watch -x' goes to pytest, or to `airegistry up`. `make run STORE=postgres` runs three replicas.
# SMOKE=yes lets `test` run a part of the tests on the second carrier, too. With CARRIER=envoy everything that `run`, `test`,
# `robustness` and `soak` start is inside Envoy.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
TOOLS := .venv-protos
LOCKER := .venv-lock
BUF := tools/buf/node_modules/.bin/buf
WEB := clients/web
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The interpreter: what the caller asked for, else the one the environment was made with, else the first that is new
# enough.
ifndef PYTHON
PYTHON := $(or $(wildcard $(VENV)/bin/python),$(shell \
	for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; \
	done),python3)
endif
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

# What ruff, mypy and import-linter look at; a folder that is not there yet is not an error.
CODE := $(wildcard clients/python/airegistry registry gateway launcher examples tests tools benchmarks)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

## Environments: a stamp per step, so that a second `make run` starts at once.

PYTHON_STAMP := $(VENV)/.stamp-python$(PYTHON_VERSION)
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev

$(PYTHON_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "AI Registry needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# pip cannot mix hash checking with editable installs, hence two steps (docs/adr/0002).
$(RUN_STAMP): $(PYTHON_STAMP) constraints.txt pyproject.toml clients/python/pyproject.toml
	$(VENV)/bin/pip install --quiet --require-hashes -r constraints.txt
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) constraints-dev.txt
	$(VENV)/bin/pip install --quiet --require-hashes -r constraints-dev.txt
	@touch $@

# LiteLLM's price map, which the tests import as a real catalog; LiteLLM itself is not installed.
build/litellm/.stamp: $(PYTHON_STAMP) constraints-litellm.txt tools/litellm_map.py
	$(VENV)/bin/python tools/litellm_map.py build/litellm
	@touch $@

# Clients that are only measured, beside the environment and not in it.
build/http-clients/.stamp: $(DEV_STAMP) constraints-http-clients.txt
	rm -rf build/http-clients
	$(VENV)/bin/pip install --quiet --require-hashes --no-deps --target build/http-clients -r constraints-http-clients.txt
	@touch $@

$(TOOLS)/.stamp: $(PYTHON_STAMP) constraints-protos.txt
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --require-hashes -r constraints-protos.txt
	@touch $@

$(LOCKER)/.stamp: $(PYTHON_STAMP) constraints-lock.txt
	$(PYTHON) -m venv --clear $(LOCKER)
	$(LOCKER)/bin/pip install --quiet --require-hashes -r constraints-lock.txt
	@touch $@

# The binary comes in the package; no install script has to run.
$(BUF): tools/buf/package.json tools/buf/package-lock.json
	cd tools/buf && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The browser comes in the package, too, for Linux on x86-64; elsewhere the tests take the one that CHROMIUM names.
build/chromium/.stamp: tools/chromium/package.json tools/chromium/package-lock.json tools/chromium/unpack.mjs
	cd tools/chromium && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	node tools/chromium/unpack.mjs build/chromium
	rm -rf tools/chromium/node_modules
	@touch $@

$(WEB)/node_modules/.stamp: $(WEB)/package.json $(WEB)/package-lock.json
	cd $(WEB) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB)/gen/.stamp: $(WEB)/node_modules/.stamp $(WEB)/buf.gen.yaml $(BUF) build/googleapis/.stamp $(wildcard protos/airegistry/v1/*.proto)
	$(BUF) generate --template $(WEB)/buf.gen.yaml
	@touch $@

build/web/.stamp: $(WEB)/gen/.stamp $(WEB)/build.mjs $(WEB)/tsconfig.json $(wildcard $(WEB)/src/* $(WEB)/scenario/* examples/watch_page/*)
	node $(WEB)/build.mjs build/web
	@touch $@

build/googleapis/.stamp: $(TOOLS)/.stamp tools/googleapis.py
	$(TOOLS)/bin/python tools/googleapis.py build/googleapis
	@touch $@

.PHONY: setup
setup: $(DEV_STAMP) build/litellm/.stamp ## Make .venv with everything that run, test and check need from PyPI

.PHONY: lock
lock: $(LOCKER)/.stamp ## Pin every dependency again, newest allowed, with hashes
	$(LOCKER)/bin/python tools/lock.py

## Generated code

.PHONY: protos
protos: $(TOOLS)/.stamp ## Generate the Python packages of protos/
	$(TOOLS)/bin/python -m tools.protos

.PHONY: protos-check
protos-check: $(TOOLS)/.stamp ## Fail when the generated code differs from protos/
	$(TOOLS)/bin/python -m tools.protos --check

.PHONY: protos-go
protos-go: $(TOOLS)/.stamp ## Generate clients/go from protos/ (needs Go)
	$(TOOLS)/bin/python -m tools.go_stubs

.PHONY: grpcurl
grpcurl: ## Install grpcurl into build/go (needs Go)
	GOBIN=$(CURDIR)/build/go go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4

.PHONY: protos-go-check
protos-go-check: $(TOOLS)/.stamp ## Fail when clients/go differs from protos/, where there is Go to tell
	@if command -v go >/dev/null; then $(TOOLS)/bin/python -m tools.go_stubs --check && cd clients/go && go vet ./...; \
		else echo "no Go here: clients/go is not checked"; fi

.PHONY: openapi
openapi: $(TOOLS)/.stamp ## Generate the OpenAPI documents from protos/ (needs Go)
	$(TOOLS)/bin/python -m tools.openapi

.PHONY: openapi-check
openapi-check: $(TOOLS)/.stamp ## Fail when the OpenAPI documents differ from protos/, where there is Go to tell
	@if command -v go >/dev/null; then $(TOOLS)/bin/python -m tools.openapi --check; \
		else echo "no Go here: the OpenAPI documents are not checked"; fi

.PHONY: web
web: build/web/.stamp ## Build the clients for browsers and Node, and the page of examples/watch_page (needs Node 20+)

.PHONY: web-check
web-check: $(WEB)/gen/.stamp ## Check the types of the clients for browsers and Node
	$(WEB)/node_modules/.bin/tsc --project $(WEB)

.PHONY: chromium
chromium: build/chromium/.stamp ## Unpack a headless Chromium into build/chromium, for the tests that open pages (needs Node 20+)

.PHONY: docs
docs: $(DEV_STAMP) ## Write docs/settings.md from the settings (a test fails when it is out of date)
	$(VENV)/bin/python -m tools.settings_doc

.PHONY: protos-lint
protos-lint: $(BUF) build/googleapis/.stamp ## Lint protos/ and check their format
	$(BUF) lint
	$(BUF) format --diff --exit-code protos

.PHONY: protos-breaking
protos-breaking: $(BUF) build/googleapis/.stamp ## Fail when protos/ break what the last release promised
	$(PYTHON) tools/breaking.py $(BUF)

## Checks, each with its fixer

.PHONY: fmt
fmt: $(DEV_STAMP) $(BUF) ## Format everything and fix what ruff can fix
	$(VENV)/bin/ruff check --fix-only --quiet
	$(VENV)/bin/ruff format
	$(BUF) format --write protos

.PHONY: lint
lint: $(DEV_STAMP) ## Lint and check the format
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

.PHONY: types
types: $(DEV_STAMP) ## Check the types
	$(VENV)/bin/mypy $(CODE)

.PHONY: imports
imports: $(DEV_STAMP) ## Check which way the imports point
	$(VENV)/bin/lint-imports --no-logo

.PHONY: check
check: lint types imports protos-lint protos-breaking protos-check protos-go-check openapi-check web-check ## All of the above: what CI runs besides the tests

## Tests

.PHONY: test
test: $(DEV_STAMP) build/litellm/.stamp ## Run every test but those of `make e2e`
	$(VENV)/bin/python -m tools.passes $(if $(SMOKE),--smoke) --ignore=tests/e2e/real_models $(ARGS)

.PHONY: test-all
test-all: $(DEV_STAMP) build/litellm/.stamp real-models ## Run every test, with those of `make e2e`
	$(VENV)/bin/python -m tools.passes $(if $(SMOKE),--smoke) $(ARGS)

.PHONY: test-unit
test-unit: $(DEV_STAMP) build/litellm/.stamp ## Run the tests that start no server
	$(VENV)/bin/pytest $(wildcard tests/unit tests/golden) $(ARGS)

.PHONY: test-integration
test-integration: $(DEV_STAMP) build/litellm/.stamp ## Run the tests that start servers
	$(VENV)/bin/pytest $(wildcard tests/contract tests/integration tests/faults tests/robustness tests/e2e) --ignore=tests/e2e/real_models $(ARGS)

.PHONY: real-models
real-models: $(PYTHON_STAMP) ## Build llama-server and train a tiny model, or reuse them (~15 minutes, 2 GB while it lasts)
	$(VENV)/bin/python -m tools.real_models

.PHONY: e2e
e2e: $(DEV_STAMP) real-models ## Run every front against a real model
	$(VENV)/bin/pytest tests/e2e/real_models $(ARGS)

.PHONY: fuzz
fuzz: $(DEV_STAMP) ## Run the property tests with many more examples
	$(VENV)/bin/pytest -m hypothesis --hypothesis-profile=fuzz --timeout=0 $(ARGS)

.PHONY: robustness
robustness: $(DEV_STAMP) ## Traffic under faults, judged (MINUTES=10 STORE=sqlite|postgres REPLICAS=3 SEED=7)
	$(VENV)/bin/python -m tests.robustness.run \
		--minutes $(or $(MINUTES),10) --store $(if $(filter command environment,$(firstword $(origin STORE))),$(STORE),both) --replicas $(or $(REPLICAS),3) $(if $(SEED),--seed $(SEED))

.PHONY: soak
soak: $(DEV_STAMP) ## Traffic and faults on a registry and a gateway, which must stay as they were (MINUTES=30 SEED=7)
	$(VENV)/bin/python -m tests.robustness.soak.run --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))

.PHONY: outage
outage: $(DEV_STAMP) ## Primaries of a gateway that are down for a minute, in real time
	$(VENV)/bin/python -m tests.robustness.soak.outage

.PHONY: bench
bench: $(DEV_STAMP) ## Measure, and print the table with its references
	$(VENV)/bin/python -m benchmarks

.PHONY: bench-discovery
bench-discovery: $(DEV_STAMP) ## Measure discovery from the index to gRPC, at up to a million endpoints
	$(VENV)/bin/python -m benchmarks discovery

.PHONY: bench-gateway
bench-gateway: $(DEV_STAMP) ## Measure the gateway beside LiteLLM, Portkey and Envoy (needs Go and Node)
	$(VENV)/bin/python -m benchmarks gateway

.PHONY: bench-carriers
bench-carriers: $(DEV_STAMP) ## Measure Envoy as the carrier beside grpc.aio (needs Go and Node)
	$(VENV)/bin/python -m benchmarks carriers

.PHONY: bench-http-clients
bench-http-clients: $(DEV_STAMP) build/http-clients/.stamp ## Measure our HTTP client beside others, in the gateway's loop and inside Envoy
	$(VENV)/bin/python -m benchmarks http_clients.costs
	$(VENV)/bin/python -m benchmarks.http_clients.matrix

## Running and shipping

# STORE=postgres: three replicas of the registry, on a PostgreSQL that comes with what the tests need.
STORE := sqlite

.PHONY: run
run: $(if $(filter postgres envoy,$(STORE) $(CARRIER)),$(DEV_STAMP),$(RUN_STAMP)) ## Start registry, gateway and demo backend on this machine
	@$(VENV)/bin/airegistry up --store $(STORE) $(if $(CARRIER),--carrier $(CARRIER)) $(ARGS)

.PHONY: build
build: $(RUN_STAMP) ## Build wheels and sdists of both distributions into dist/
	cd clients/python && $(abspath $(VENV))/bin/hatchling build -d $(CURDIR)/dist
	$(VENV)/bin/hatchling build -d dist

.PHONY: clean
clean: ## Remove environments, caches and build output
	rm -rf $(VENV) $(TOOLS) $(LOCKER) build dist tools/buf/node_modules tools/chromium/node_modules $(WEB)/node_modules $(WEB)/gen $(WEB)/dist
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
