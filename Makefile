# Everything that people and CI do here. `make` alone lists it.

CARGO ?= cargo
RELEASE := target/release/bindguard
RUN := target/run
LISTEN ?= 127.0.0.1:8443
ADMIN_LISTEN ?= 127.0.0.1:8080

.DEFAULT_GOAL := help
.PHONY: help deps build run cluster control-plane lint test bench soak fuzz \
	image image-check palette-pack version release-check

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install the Debian packages that the rest needs, as root; else name them and stop
	@tests/deps.sh

build: ## build target/release/bindguard
	@$(CARGO) build --release --locked

run: deps build ## serve examples/ as the cluster, without Kubernetes
	@examples/run.sh $(RELEASE) $(RUN) $(LISTEN) $(ADMIN_LISTEN)

control-plane: ## build the control plane for tests once, and print its folder
	@tests/control-plane/build.sh

cluster: deps build ## start a real API server with bindguard registered, until Ctrl-C
	@BINDGUARD_BIN=$(CURDIR)/$(RELEASE) $(CARGO) run --locked --quiet --example cluster

lint: ## formatting and lints, warnings are errors
	@$(CARGO) fmt --check
	@$(CARGO) clippy --locked --all-targets --quiet -- -D warnings

test: deps ## everything that CI checks
	@CARGO="$(CARGO)" tests/run.sh

soak: deps ## what `make test` tries of generated input and of outages, ten times as much or more
	@CARGO="$(CARGO)" tests/soak.sh

fuzz: ## fuzz the readers with a nightly compiler and cargo-fuzz, FUZZ_SECONDS (60) each
	@fuzz/run.sh

bench: ## every performance figure beside what it is compared with, into docs/benchmarks.md
	@tests/deps.sh wrk:wrk h2load:nghttp2-client taskset:util-linux
	@tests/control-plane/build.sh >/dev/null
	@$(CARGO) bench --locked --bench memory --no-run
	@$(CARGO) bench --locked --bench report

image: deps ## build the image with buildah, without a registry, into target/image
	@image/build.sh

image-check: deps ## build the image, run it, build its program again elsewhere, and compare
	@CARGO="$(CARGO)" image/check.sh

palette-pack: ## make the Palette pack for IMAGE, where the image was pushed, in target/palette
	@palette/build.sh "$(IMAGE)" target/palette

version: ## give crate, chart, image and pack the version VERSION, and the changelog its heading
	@release/version.sh "$(VERSION)"

release-check: ## whether this tree can be released as the version that it has
	@release/check.sh
