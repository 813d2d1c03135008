# make demo [KEEP=1]   the migration demo on Mininet and Open vSwitch (root)
# make demo-stop       ends a demo kept with KEEP=1
# make test            everything, as the checks before a merge run it (root)
# make test-unit       what needs neither root nor Open vSwitch
# make test-oracles    OpenFlow as other implementations of it see it (os-ken, Open vSwitch, tshark), REST as schemathesis does,
#                      pages as Chromium does
# make test-mininet [FILES="test_crash.py …"]
#                      the tests on real switches alone, or some of their files, two at once in namespaces of their own (root)
# make soak            the migrations of `make test`, 20 times each, 100 random ones and 100 random deaths (root)
# make evaluate [FULL=1] [RESUME=1]
#                      migrations by the hundred, measured on random networks beside a controller of another make, and
#                      target/evaluation/report.html; quick (a quarter of an hour) unless FULL=1 (1.5 hours); RESUME=1 goes on (root)
# make fuzz [RUNS=1000000] [TARGET=message_v13]
#                      so many inputs for each fuzzer, or for one (cargo install cargo-fuzz --locked; needs g++)
# make build, make lint, make deps
# make install [PREFIX=/usr/local] [DESTDIR=]
#                      program, manual pages, completions, unit of systemd, and /etc/godwit/godwit.toml unless it is there
# make uninstall       the same again away, except for the configuration and the data
# make deb             a package for Debian in target/debian (cargo install cargo-deb --locked)

export PATH := $(HOME)/.cargo/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

# Mininet's module belongs to the system's interpreter; another one may come first on PATH.
PYTHON := /usr/bin/python3
PYTEST := $(PYTHON) -m pytest -p no:cacheprovider

PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
# The program that is installed.
PROGRAM ?= target/release/godwit
# What it says of itself: manual pages and completions.
GENERATED ?= target/generated

.PHONY: demo demo-stop test test-unit test-oracles test-mininet soak evaluate fuzz build lint deps install uninstall deb generated

demo: deps build
	$(PYTHON) mininet/demo.py $(if $(KEEP),--keep)

demo-stop:
	$(PYTHON) mininet/stop.py

test: deps test-unit test-oracles test-mininet

test-unit: lint
	cargo test --workspace

test-oracles: deps build
	$(PYTEST) tests/oracles

test-mininet: deps build
	$(PYTHON) tests/mininet/labs.py $(FILES)

soak: deps build
	GODWIT_RUNS=20 GODWIT_CASES=100 $(PYTEST) tests/mininet/test_migration.py tests/mininet/test_random.py tests/mininet/test_guard.py
	GODWIT_RUNS=100 $(PYTEST) tests/mininet/test_crash.py -k random

evaluate: deps build
	$(PYTHON) mininet/evaluate.py $(if $(FULL),--full) $(if $(RESUME),--resume)

RUNS ?= 1000000
TARGET ?= frame message_v10 message_v13 lldp packet

# libFuzzer's instrumentation is behind flags that the stable compiler takes only when it is asked to.
fuzz: export RUSTC_BOOTSTRAP := 1
fuzz:
	cargo run -q -p godwit-samples --bin seeds -- fuzz/corpus
	for target in $(TARGET); do \
		cargo fuzz run $$target -- -runs=$(RUNS) -max_len=4096 -rss_limit_mb=1024 || exit 1; \
	done

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

build:
	cargo build --release --workspace --bins

deps:
	scripts/install-deps.sh

generated:
	rm -rf $(GENERATED)
	mkdir -p $(GENERATED)
	$(PROGRAM) man --to $(GENERATED)/man
	for shell in bash zsh fish; do $(PROGRAM) completions $$shell > $(GENERATED)/godwit.$$shell || exit 1; done

# As root, after `make build` as whoever has the toolchain.
install: generated
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/godwit
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(GENERATED)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m 644 $(GENERATED)/godwit.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/godwit
	install -D -m 644 $(GENERATED)/godwit.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_godwit
	install -D -m 644 $(GENERATED)/godwit.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/godwit.fish
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/bin/godwit|$(PREFIX)/bin/godwit|; s|/etc/godwit/|$(SYSCONFDIR)/godwit/|' packaging/godwit.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/godwit.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/godwit.service
	test -e $(DESTDIR)$(SYSCONFDIR)/godwit/godwit.toml || \
		install -D -m 644 packaging/godwit.toml $(DESTDIR)$(SYSCONFDIR)/godwit/godwit.toml

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/godwit
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/godwit.1 $(DESTDIR)$(PREFIX)/share/man/man1/godwit-*.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/godwit
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_godwit
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/godwit.fish
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/godwit.service

deb: build generated
	cargo deb --no-build
