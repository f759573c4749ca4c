# build, demo, test, lint, bench, fuzz, clean. Each installs what it needs and is missing, says so, and is quick when all
# is there.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: build demo test lint bench fuzz clean swift packages bench-packages

PACKAGES := $(file < apt-packages.txt)
BENCH_PACKAGES := $(filter nginx% libnginx%,$(PACKAGES))
VENV := .build/venv
STAGE := Tests/Tools/stage
export SWIFT_BACKTRACE := enable=no

build: swift packages
	@for product in s3remedyd s3remedy; do swift build -c release --static-swift-stdlib --product $$product; done

demo: build $(VENV)/installed
	@$(VENV)/bin/python Tests/EndToEndTests/demo.py

test: swift packages $(VENV)/installed
	@$(STAGE) "build the tests" 900 swift build --build-tests
	@$(STAGE) "unit and contract tests" 600 swift test --skip-build
	@$(STAGE) "stand-in cloud tests" 300 $(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/LocalAWS
	@$(STAGE) "release build" 1200 $(MAKE) --no-print-directory build
	@$(STAGE) "end-to-end tests" 900 $(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/EndToEndTests

lint: swift
	@swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests

# BENCH=intake, decode, log, recovery, store, manifest or full measures that alone.
bench: BENCH ?= all
bench: build bench-packages $(VENV)/installed
	@swift build -c release --static-swift-stdlib --product s3remedy-bench
	@$(VENV)/bin/python Tests/Benchmarks/bench.py --part $(BENCH)

# FUZZ=events or replies for SECONDS=60: libFuzzer in .build-fuzz, outside of SwiftPM's build.
fuzz: FUZZ ?= events
fuzz: SECONDS := 60
fuzz: swift
	@Tests/Fuzz/fuzz $(FUZZ) $(SECONDS)

clean:
	@rm -rf .build .build-fuzz

swift:
	@command -v swift >/dev/null || { echo "Swift is missing: install Swift 6.3 (https://www.swift.org/install/linux/) and put it on PATH." >&2; exit 1; }

packages:
	@Tests/Tools/install-packages $(filter-out $(BENCH_PACKAGES),$(PACKAGES))

bench-packages:
	@Tests/Tools/install-packages $(BENCH_PACKAGES)

$(VENV)/installed: Tests/requirements.txt | packages
	@echo "installing with pip into $(VENV): $$(grep -c == $<) packages of $<"
	@/usr/bin/python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
