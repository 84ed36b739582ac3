# Everything to do with this project, one word each. `make help` lists them.

PYTHON := .venv/bin/python
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

.PHONY: help run install install-dev test attacks bench migration translations format where shape clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## Install what is needed (once) and start the application
	@scripts/environment.sh run
	@exec $(PYTHON) app.py

install: ## Make .venv with what the application runs with
	@scripts/environment.sh run

install-dev: ## Make .venv with what the checks need as well
	@scripts/environment.sh dev

test: install-dev ## Run every check: style, types, layers, templates, tests on both databases, browser
	@scripts/chromium.sh
	@$(PYTHON) scripts/checks.py test

attacks: install-dev ## Run the long attack tests on both databases
	@$(PYTHON) scripts/checks.py attacks

bench: install-dev ## Measure how fast the application answers
	@$(PYTHON) -m benchmarks

migration: install-dev ## Write the next numbered migration: make migration m="what changes"
	@scripts/migration.sh "$(m)"

translations: install-dev ## Collect the texts, update Simplified, remake Traditional Chinese
	@$(PYTHON) scripts/translations.py update

format: install-dev ## Put the code in its standard form
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

where: ## List every file of an entity: make where E=contracts
	@git ls-files --cached --others --exclude-standard | grep -- "$(or $(E),$(error name an entity: make where E=contracts))"

shape: ## Show how long the modules are
	@find app.py config crm_admin -name '*.py' -not -path '*/versions/*' -exec wc -l {} + | grep -v total | sort -n \
		| awk '{ n[NR] = $$1 } END { printf "%d modules; median %d, nine in ten up to %d, longest %d lines\n", NR, n[int((NR + 1) / 2)], n[int(NR * 0.9 + 0.5)], n[NR] }'

clean: ## Remove what the checks left behind (never your data, which is in instance/)
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
