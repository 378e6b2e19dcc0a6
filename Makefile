# The command surface. `make help` lists it; each target is one script or one cargo call.
#
#   make run KAFKA=host:port DATABASE_URL=postgres://…   use servers that exist
#   make run PROFILE=release                             the optimised build (longer to make)
#   make soak MINUTES=60 SEED=7 PROFILE=release          faults for an hour, by the plan of seed 7

SHELL := /bin/bash
PROFILE ?= dev
export PROFILE
.DEFAULT_GOAL := help
.PHONY: help run demo test check db fmt lint soak bench stop clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{ printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start Postgres, Kafka and the gateway; Ctrl-C stops what it started
	@scripts/run

demo: ## in a second terminal: provision a site, log in as a phone, show the events
	@scripts/demo

test: ## every test, against a private Postgres and Kafka
	@scripts/test

check: ## formatting, lints, rustdoc, WSDL, licences, advisories: before every commit
	@scripts/check

db: ## start the private Postgres, migrate it, print its address
	@scripts/db

fmt: ## format the code
	@cargo fmt

lint: ## clippy over everything, warnings denied
	@scripts/doctor build && cargo clippy --locked --all-targets -- -D warnings

soak: ## faults under load for MINUTES=10, then the long tests: by hand and before a release
	@scripts/test soak

bench: ## measure against peers: BENCH=name ROUNDS=5 QUICK=1
	@BENCH='$(BENCH)' ROUNDS='$(ROUNDS)' QUICK='$(QUICK)' EVENTS='$(EVENTS)' scripts/bench

stop: ## stop every server and gateway this checkout started
	@scripts/stop

clean: ## stop everything and delete what was built and stored here
	@scripts/stop remove && cargo clean
