# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target does its own set-up, below .cache. ARGS goes to what runs a layer: make unit ARGS="-k reference".
.DEFAULT_GOAL := help
layers := lint unit functional runbook sanity integration docs

.PHONY: help test $(layers) fuzz soak bench build changelog format demo demo-acr clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z $$()-]+:.*## / {sub(/\$$\(layers\)/, "", $$1); printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: ## see it work: two registries, real images, a playbook, and an independent client that checks
	@demo/run

demo-acr: ## see a migration from Harbor to ACR: the whole runbook against a simulated account
	@demo/acr

test: ## all tests; the last line has the sum
	@scripts/run test

lint: ## style, types, documentation and packaging; ARGS names single checks
unit: ## the pure parts, on every Python that is here
functional: ## the registry client and the engine against real servers, with the newest and the oldest requests
runbook: ## the role and the playbooks, from an empty account to teardown, with the oldest and the newest ansible-core
sanity: ## ansible-test sanity on the built collection, with the oldest and the newest ansible-core
integration: ## ansible-test integration on the built collection: what a playbook sees
docs: ## the documentation's site, into build/docs
$(layers):
	@scripts/run $@ -- $(ARGS)

fuzz: ## a million inputs for every parser; ARGS=--keep adds what reached new lines to the corpus
	@scripts/run fuzz -- --inputs=1000000 --timeout=3600 $(ARGS)

soak: ## the whole of what takes long: a hundred kills, 500 images on a bad day, 2,000 images in one run
	@scripts/run soak -- $(ARGS)

bench: ## measure speed beside other tools: make bench ARGS=--quick, or ARGS=--help
	@scripts/python -m workshop.bench $(ARGS)

build: ## the collection's archive, into build
	@scripts/run build

changelog: ## the changelog's entry of the present version, from its fragments and new modules
	@scripts/run changelog

format: ## lay out the Python files as lint wants them
	@scripts/run format

clean: ## remove everything that was made
	rm -rf .cache build .ansible tests/output
