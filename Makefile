# make demo [KEEP=1]   the migration demo on Mininet and Open vSwitch (root)
# make demo-stop       ends a demo kept with KEEP=1
# make test            everything, as the checks before a merge run it (root)
# make test-unit       what needs neither root nor Open vSwitch
# make test-mininet    the tests on real switches alone (root)
# make soak            the migrations of `make test`, 20 times each (root)
# make build, make lint, make deps

export PATH := $(HOME)/.cargo/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

# Mininet's module belongs to the system's interpreter; another one may come first on PATH.
PYTHON := /usr/bin/python3
PYTEST := $(PYTHON) -m pytest -p no:cacheprovider

.PHONY: demo demo-stop test test-unit test-mininet soak build lint deps

demo: deps build
	$(PYTHON) mininet/demo.py $(if $(KEEP),--keep)

demo-stop:
	$(PYTHON) mininet/stop.py

test: deps test-unit test-mininet

test-unit: lint
	cargo test --workspace

test-mininet: deps build
	$(PYTEST) tests/mininet

soak: deps build
	GODWIT_RUNS=20 $(PYTEST) tests/mininet/test_migration.py

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

build:
	cargo build --release --workspace --bins

deps:
	scripts/install-deps.sh
