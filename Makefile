# The few verbs of this project. Nothing has to be installed before: the targets fetch and build what they need into
# .venv/ and .cache/ (or $KUBESAGA_CACHE). PROVIDER=kind|local|current chooses the cluster; see `make help`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BOOTSTRAP_PYTHON ?= python3
CACHE := $(or $(KUBESAGA_CACHE),$(CURDIR)/.cache)
UV_VERSION := $(shell sed -n 's/^ARG UV_VERSION=//p' Dockerfile)
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
ENVIRONMENT := .venv/made-from-lock-file
PYTHON := .venv/bin/python
CLUSTER := $(BOOTSTRAP_PYTHON) -m hack.cluster $(if $(PROVIDER),--provider $(PROVIDER))
OPERATOR_IMAGE := kubesaga-operator:dev
NAMESPACE := kubesaga-system
# Of the fuzzer.
SEEDS ?= 1000
FIRST ?= 0
# Of apt-get, where the machine is at its own upgrades.
PATIENTLY := -o DPkg::Lock::Timeout=300
# The step contract's conformance test runs a handler in Node.
NODE := $(if $(shell command -v node),,install-node)
export PATH := $(CACHE)/bin:$(PATH)
# Compiled once: most of what a short process takes, and a tenth of the tests, would be compiling all again.
unexport PYTHONDONTWRITEBYTECODE
# The local provider's clusters are on this machine: no proxy may be asked for them.
export NO_PROXY := $(or $(NO_PROXY),$(no_proxy)),10.232.0.0/13,10.240.0.0/13

##@ Use it
demo: install  ## the example on a test cluster: one order succeeds, one is undone, one is refused
	@KUBECONFIG=$$($(CLUSTER) kubeconfig) $(PYTHON) -m hack.demo

demo-local: $(ENVIRONMENT)  ## the same orders without a cluster, in local processes
	@$(PYTHON) -m hack.demo.local $(CACHE)/demo-local

cluster-up:  ## a test cluster with the project's images, kept until cluster-down
	@$(CLUSTER) up
	@$(CLUSTER) load

cluster-down:  ## take the test cluster down, with all that it left on the machine
	@$(CLUSTER) down

install: cluster-up $(ENVIRONMENT)  ## the operator of these sources on the test cluster, by Helm
	@export KUBECONFIG=$$($(CLUSTER) kubeconfig); \
	helm upgrade --install kubesaga charts/kubesaga --namespace $(NAMESPACE) --create-namespace \
		--wait --timeout 3m --hide-notes --set image.tag=dev \
		--set-string "podAnnotations.kubesaga\.dev/image=$$($(CLUSTER) image-key $(OPERATOR_IMAGE))" >&2 \
	|| { kubectl --namespace $(NAMESPACE) get pods; \
		kubectl --namespace $(NAMESPACE) logs --tail 20 deployment/kubesaga; exit 1; } >&2

kubeconfig:  ## print the path of the test cluster's kubeconfig
	@$(CLUSTER) kubeconfig

##@ Work on it
check: $(ENVIRONMENT) $(NODE)  ## format, lint, types, import arrows, generated files, tests without a cluster: under a minute
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m kubesaga.api.generate --check
	$(PYTHON) -m hack.docs.states --check
	$(PYTHON) -m hack.docs.cli --check
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile --ignore=tests/chart --ignore=tests/cluster \
		-m "not cluster_lifecycle and not slow"

test: check  ## check, all simulations, then the tests of chart and cluster, on a test cluster that goes if it was not there
	@before=$$($(CLUSTER) kubeconfig 2>/dev/null || true); \
	trap '[ -n "$$before" ] || $(CLUSTER) down' EXIT; \
	$(PYTHON) -m pytest --numprocesses auto --dist worksteal --ignore=tests/chart --ignore=tests/cluster -m "slow and not cluster_lifecycle"; \
	$(CLUSTER) up; \
	$(CLUSTER) load; \
	$(PYTHON) -m pytest tests/harness -m cluster_lifecycle; \
	export KUBECONFIG=$$($(CLUSTER) kubeconfig); \
	$(PYTHON) -m pytest --numprocesses 3 --dist loadfile tests/chart tests/cluster -m "not alone"; \
	$(PYTHON) -m pytest tests/cluster -m alone

bench: install  ## speed beside the floor that Kubernetes itself sets, as JSON
	@KUBECONFIG=$$($(CLUSTER) kubeconfig) $(PYTHON) -m hack.bench

chaos: install  ## 200 Tasks of the examples while all that can be killed is, then an audit [SEED= TASKS= MINUTES=]
	@$(PYTHON) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(TASKS),--tasks $(TASKS)) $(if $(MINUTES),--minutes $(MINUTES))

fuzz: $(ENVIRONMENT)  ## simulated runs in which everything breaks [SEEDS=1000 FIRST=0]
	@$(PYTHON) -m tests.simulation --seeds "$(SEEDS)" --first "$(FIRST)"

generate: $(ENVIRONMENT)  ## write crds/, schemas/, the state diagrams and docs/cli.md anew
	$(PYTHON) -m kubesaga.api.generate
	$(PYTHON) -m hack.docs.states
	$(PYTHON) -m hack.docs.cli

fmt: $(ENVIRONMENT)  ## format the code and mend what the linter can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:  ## remove everything that the targets made, the test cluster first
	[ ! -e $(CACHE)/cluster ] || $(CLUSTER) down
	rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

help:  ## this list
	@awk 'BEGIN {FS = ":.*  ## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*  ## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "PROVIDER=kind (needs Docker), local (needs root on Debian) or current (your own kubeconfig)"

install-node:
	@echo "installing packages: nodejs …" >&2
	@apt-get update -qq && apt-get $(PATIENTLY) install --yes -qq --no-install-recommends nodejs >/dev/null \
		|| { echo "cannot install nodejs: put node, 18 or newer, on the PATH" >&2; exit 1; }

.PHONY: install-node demo demo-local cluster-up cluster-down install kubeconfig check test bench chaos fuzz generate fmt clean help

# What the others need.
$(ENVIRONMENT): pyproject.toml uv.lock handlers_image/pyproject.toml operator/pyproject.toml | $(UV)
	@echo "making the environment .venv from uv.lock …" >&2
	@$(UV) sync --frozen --quiet --python $(BOOTSTRAP_PYTHON)
	@touch $@

$(UV):
	@$(BOOTSTRAP_PYTHON) -c 'import ensurepip' 2>/dev/null || { apt-get update && apt-get $(PATIENTLY) install --yes python3-venv; }
	@$(BOOTSTRAP_PYTHON) -m venv $(CACHE)/uv-$(UV_VERSION)
	@$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
