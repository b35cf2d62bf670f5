# Everything a person needs: `make run` serves Tocsin, `make test` proves it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup run test lint bench chaos docs screenshots clean

help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup:           ## a virtual environment with Tocsin in it, and the built pages
	@scripts/setup run

run: setup       ## serve on http://127.0.0.1:8080 with ./data
	@exec $(BIN)/tocsin serve

test:            ## install what the tests need (Docker engine, PostgreSQL, Chromium) and run them all
	@scripts/setup test
	@scripts/test

lint:            ## ruff, mypy, vue-tsc
	@scripts/setup dev
	@scripts/lint

bench:           ## the measurements, each as a ratio to a stated limit
	@scripts/setup test
	@scripts/bench

chaos:           ## kill -9, hundreds of times, and networks that fail in every way
	@scripts/setup test
	@TOCSIN_CHAOS_ROUNDS=100 TOCSIN_CHAOS_NOTIFICATION_ROUNDS=300 TOCSIN_CHAOS_PING_ROUNDS=1000 scripts/test tests/chaos tests/integration/endpoints/test_outages.py tests/integration/job --timeout 7200

docs:            ## write the generated pages again: OpenAPI, settings table, front-end types
	@scripts/setup dev
	@$(BIN)/python scripts/generate.py

screenshots:     ## the pictures of the README and of the review
	@scripts/setup test
	@$(BIN)/python scripts/screenshots.py

clean:           ## remove what was built
	rm -rf .venv frontend/node_modules src/tocsin/http/ui .cache
