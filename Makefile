# Everyday commands. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: fuzz fuzz-check help setup fmt check test generate verify chart manifests bench image e2e demo controlplane coverage

CARGO ?= cargo
# Built alone as well, so that none leans on a feature that another crate switched on.
LIBRARIES := rekindle-core rekindle-api rekindle-client

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Build what the tests need beyond Rust: etcd, kube-apiserver, kubectl, helm, prometheus
	@scripts/setup

fmt: ## Format the code
	$(CARGO) fmt --all

check: ## Check the format, lint everything, and build each library alone
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@for library in $(LIBRARIES); do echo "$(CARGO) check -p $$library"; $(CARGO) check -p $$library || exit 1; done

test: ## Run setup, check, verify, and all tests that need no node
	@scripts/test

generate: setup ## Write the files that are generated from the code
	@scripts/generate

verify: setup ## Compare the generated files with the code
	@scripts/generate --check

chart: setup ## Lint the chart and render it with each set of values in tests/cases/chart
	@scripts/chart lint
	@scripts/chart rendered target/chart

manifests: setup ## Write target/manifests, to install without Helm; ARGS="--set …" as for helm template
	@scripts/chart manifests target/manifests $(ARGS)

bench: setup ## Measure against a bare program on a real API server; ARGS="edit1 --edits 50" measures less
	$(CARGO) build --release -p rekindle
	$(CARGO) run --release -p rekindle-bench -- $(ARGS)

image: ## Build the image of the operator into target/image, without a Docker engine
	@scripts/image

e2e: ## Run the image and the chart on a real node, in namespaces of its own; as root, on Linux
	@scripts/e2e

demo: $(if $(KUBECONFIG),,setup) ## Show a change travel into pods and back; KEEP=1 stays for you to play; uses KUBECONFIG if set
	$(CARGO) build -p rekindle -p rekindle-checkout -p rekindle-demo
	@KEEP=$(KEEP) $${CARGO_TARGET_DIR:-target}/debug/rekindle-demo

controlplane: setup ## Run etcd and an API server until Ctrl-C; ARGS="--keep-dir DIR" keeps the data
	@$(CARGO) run -q -p rekindle-testplane -- $(ARGS)

coverage: setup ## Measure what the tests cover; installs cargo-llvm-cov and LLVM's tools if they are missing
	@scripts/coverage

# What cargo-fuzz sets, without its sanitizers, which need a nightly toolchain; so the pinned one is enough.
FUZZ_FLAGS := --cfg fuzzing -Cdebug-assertions -Coverflow-checks -Cpasses=sancov-module \
	-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
FUZZ_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
TARGET ?= yaml
TIME ?= 60

fuzz: ## Fuzz one parser for a while: TARGET=yaml TIME=60 (seconds); needs a C++ compiler
	@mkdir -p fuzz/corpus/$(TARGET) fuzz/artifacts/$(TARGET)
	cd fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) run --release --target $(FUZZ_HOST) --bin $(TARGET) -- \
		-max_total_time=$(TIME) -timeout=10 -artifact_prefix=artifacts/$(TARGET)/ corpus/$(TARGET) seeds/$(TARGET)

fuzz-check: ## Compile the fuzz targets, which are no part of the workspace
	cd fuzz && $(CARGO) check
