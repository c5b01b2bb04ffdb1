# Everything that people and CI do here. `make` alone lists it.

CARGO ?= cargo
RELEASE := target/release/bindguard
RUN := target/run
LISTEN ?= 127.0.0.1:8443
ADMIN_LISTEN ?= 127.0.0.1:8080

.DEFAULT_GOAL := help
.PHONY: help deps build run cluster control-plane lint test soak

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

soak: deps ## more of the same than `make test`: cases of the rule, outages, installs, rolling restarts
	@PROPTEST_CASES=2000000 $(CARGO) test --locked --release --lib -- laws
	@BINDGUARD_SOAK=1 $(CARGO) test --locked --test freshness --test install -- --nocapture
