# `make` lists the tasks. What a step needs beyond one command stands in scripts/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup hooks build run static install deb test levels check lint examples metrics \
  package deploy tls clients page follow onnx aarch64 sanitize-address sanitize-program \
  sanitize-thread fuzz format bench bench-all image reproduce clean
# The steps of `check` share the package's build folders, so nothing here runs side by side.
.NOTPARALLEL:

SWIFT_FILES := Sources Tests Fuzz benchmarks Package.swift
# One set of flags for every optimised build: another set would build everything again. So would
# testable imports, for which `swift test` compiles the program otherwise.
RELEASE_FLAGS := -c release --explicit-target-dependency-import-check error
SHELL_SCRIPTS = $(shell grep -lsE '^\#!.*\b(ba)?sh$$' \
  .ci/run scripts/{,*/}* Fuzz/run benchmarks/{,*/}*)
FUZZ_SECONDS ?= 10
# Minutes that `make check` may take; without them it leaves nothing out.
CHECK_MINUTES ?=
NETWORK ?= resnet50
PREFIX ?= /usr/local
# The Swift runtime is inside what is installed, which another set of flags needs.
STATIC := .build/static

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Debian packages that are missing, look for Swift
	@scripts/setup

hooks: ## Have git run scripts/pre-commit and scripts/commit-msg in this clone
	git config core.hooksPath scripts

build: setup ## Build the optimised program: .build/release/resnetd
	swift build $(RELEASE_FLAGS) --product resnetd

run: build ## Classify docs/sample.jpg through a server started for it
	@scripts/run-sample .build/release/resnetd docs/sample.jpg

static: setup
	swift build -c release --static-swift-stdlib --scratch-path $(STATIC) --product resnetd

install: static ## Install program, manual pages, completions and unit: PREFIX, DESTDIR
	scripts/install $(STATIC)/release/resnetd $(PREFIX) $(DESTDIR)

deb: static ## Make a Debian package in .build
	scripts/debian-package $(STATIC)/release/resnetd .build

test: setup ## Run all tests, optimised: the parity tests compute much
	swift test $(RELEASE_FLAGS) --disable-testable-imports

levels: ## After `make test`: run the engine's tests as on CPUs with fewer instructions
	scripts/check-levels $(RELEASE_FLAGS)

check: ## Everything that CI runs: lint, tests, sanitizers, fuzz targets
	@scripts/check $(CHECK_MINUTES)

lint: ## Check the format of all text, the scripts, the manifests and the bill of materials
	@scripts/setup --checks
	swift format lint --strict --recursive --parallel $(wildcard $(SWIFT_FILES))
	scripts/check-text
	scripts/check-deploy
	scripts/check-sbom
	shellcheck $(SHELL_SCRIPTS)

examples: build ## Run every example of the README against the optimised program
	scripts/check-examples .build/release/resnetd

metrics: build ## Ask a server for /metrics and have promtool check the answer
	scripts/check-metrics .build/release/resnetd

package: build ## Install the program into a folder and as a package, and read what came of it
	scripts/check-package .build/release/resnetd

deploy: build ## Start the program as each manifest of deploy/ would have it
	scripts/run-deploy .build/release/resnetd

tls: build ## Have testssl.sh look for weaknesses of a server's TLS
	scripts/check-tls .build/release/resnetd

clients: build ## Have Triton's Python client and schemathesis ask a server
	scripts/check-clients .build/release/resnetd

page: build ## Use the pages at / and /admin/ in headless Chromium
	scripts/check-page .build/release/resnetd

follow: build ## Have three servers follow one S3 bucket, restart them under load; classify another
	scripts/check-follow .build/release/resnetd
	scripts/check-rolling .build/release/resnetd
	scripts/check-batch .build/release/resnetd

onnx: build ## Export networks as ONNX files, compare them in ONNX Runtime
	scripts/check-onnx-export .build/release/resnetd

aarch64: ## Compile the C rooms for aarch64, run their drivers under qemu
	@scripts/setup --checks
	scripts/check-aarch64

sanitize-address: setup ## Run the tests of all but the program under the address sanitizer
	scripts/sanitize address

sanitize-program: setup ## Run the program's own tests under the address sanitizer
	scripts/sanitize program

sanitize-thread: setup ## Run the tests of what has threads under the thread sanitizer
	scripts/sanitize thread

fuzz: setup ## Run every fuzz target for FUZZ_SECONDS each (default 10)
	Fuzz/run $(FUZZ_SECONDS)

format: ## Format the Swift sources in place
	swift format --in-place --recursive --parallel $(wildcard $(SWIFT_FILES))

bench: build ## Measure the engine on NETWORK (default resnet50); benchmarks/ holds the comparisons
	.build/release/resnetd bench $(NETWORK)

bench-all: build ## Compare with peers and hardware (benchmarks/all --publish updates the docs)
	benchmarks/all

image: ## Build the container image, start it and drive it with curl
	scripts/check-image

reproduce: ## After `make image` on a commit: build it again and compare every byte
	scripts/reproduce-image

clean: ## Remove everything that was built or fetched
	rm -rf .build .cache
