# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target does its own set-up, below .cache. ARGS goes to what runs a layer: make unit ARGS="-k reference".
# PYTHON chooses one: make unit PYTHON=3.11. What each does is in noxfile.py.
.DEFAULT_GOAL := help
layers := lint unit functional runbook sanity integration docs
others := fuzz audit soak bench
tools := build changelog format
# Without 3.11, which is Debian 12's: a new user has that one.
units := unit-3.9 unit-3.10 unit-3.12 unit-3.13 unit-3.14
only := $(if $(PYTHON),--python $(PYTHON))

.PHONY: help test quick ci demo demo-acr clean $(layers) $(others) $(tools)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: ## see it work: two registries, real images, a playbook, and an independent client that checks
	@demo/run

demo-acr: ## see a migration from Harbor to ACR: the whole runbook against a simulated account
	@demo/acr

test: ## all tests; the last line has the sum
	@scripts/run

quick: ## the layers that need no servers: lint, unit and docs
	@scripts/run lint unit docs

ci: ## all tests, and the quick ones once more in the environment of a new user
	@scripts/run functional runbook sanity integration bare $(units) lint docs fuzz audit

lint: ## style, types, documentation and packaging; ARGS names single checks
unit: ## the pure parts, on every Python that is here
functional: ## the registry client and the engine against real servers, with the newest and the oldest requests
runbook: ## the role and the playbooks, from an empty account to teardown, with the oldest and the newest ansible-core
sanity: ## ansible-test sanity on the built collection, with the oldest and the newest ansible-core
integration: ## ansible-test integration on the built collection: what a playbook sees, with four ansible-core
docs: ## the documentation's site, into build/docs
fuzz: ## a million inputs for every parser; ARGS=--keep adds what reached new lines to the corpus
audit: ## known vulnerabilities in what the collection needs; skipped where that cannot be asked
soak: ## the whole of what takes long: a hundred kills, 500 images on a bad day, 2,000 images in one run
bench: ## measure speed beside other tools: make bench ARGS=--quick, or ARGS=--help
build: ## the collection's archive and its bill of materials (CycloneDX), into build
changelog: ## the changelog's entry of the present version, from its fragments and new modules
format: ## lay out the Python files as lint wants them

fuzz: override ARGS := --inputs=1000000 --timeout=3600 $(ARGS)

$(layers) $(others):
	@scripts/run $@ $(only) -- $(ARGS)

$(tools):
	@scripts/run lint -- $@

clean: ## remove everything that was made
	rm -rf .cache build .ansible tests/output
