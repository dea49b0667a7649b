# The commands of this project, the same for people and for CI. `make` alone explains them.
#
# What a command needs is set up by the rules at the end, each of which makes one thing and is
# skipped when that thing is there and its pin has not changed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The machine's own Python, looked for before the PATH has the project's.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python && break; done)

# Node 22 comes from npm and is found before the machine's own.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/worker
export PYTHONDONTWRITEBYTECODE := 1
export UV_NO_PROGRESS := 1
export WRANGLER_SEND_METRICS := false

UV_VERSION := 0.13.8
UV := .tools/uv-$(UV_VERSION)/bin/uv

# The bucket that is bound, whose CORS rules a deployment sets.
BUCKET := $(shell sed -n 's/^bucket_name = "\(.*\)"$$/\1/p' wrangler.toml)

# The queues that are bound or hold what could not be delivered: a deployment needs them to exist.
QUEUES := $(shell sed -n -e 's/^queue = "\(.*\)"$$/\1/p' -e 's/^dead_letter_queue = "\(.*\)"$$/\1/p' wrangler.toml | sort -u)

.PHONY: help dev test check format bench deploy lock clean setup

help: ## Show this
	@echo 'Media Engine'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  WORKER_PORT (8787), SHIM_PORT (8000) and STATE_DIR (.wrangler/state) change where'
	@echo '  `make dev` listens and keeps its state. Whatever is missing is set up first.'

dev: setup ## Run the Worker and the demo application; Ctrl-C ends both
	@exec python -m runtime.dev

test: setup ## Run every suite that this machine can run, and name those that it cannot
	@node --test --test-reporter=dot 'tests/web/*.test.js'
	@pytest $(PYTEST)

check: setup ## Lint, format, types, import arrows, and the deployment without deploying
	@ruff check
	@ruff format --check
	@biome ci --error-on-warnings
	@mypy
	@PYTHONPATH=src lint-imports --no-logo
	@python -m runtime.dry_run

format: setup ## Put the code into its form
	@ruff check --fix --quiet
	@ruff format --quiet
	@biome check --write --log-level=warn

bench: setup ## Measure delivery beside other Workers, in one run (needs wrk)
	@PYTHONPATH=src:worker python -m bench.delivery $(BENCH)

deploy: setup ## Migrate D1 and deploy the Worker with Cloudflare's own tools (needs Python 3.12)
	@for queue in $(QUEUES); do \
		wrangler queues info $$queue >/dev/null 2>&1 || wrangler queues create $$queue || exit 1; done
	wrangler d1 migrations apply DB --remote
	wrangler r2 bucket cors set $(BUCKET) --file worker/r2-cors.json
	$(UV) run --group cloudflare pywrangler deploy

lock: $(UV) ## Pin the Python dependencies anew, after a change in pyproject.toml
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--group dev --output-file requirements/dev.txt
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--group demo --output-file requirements/demo.txt
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		pyproject.toml --output-file requirements/worker.txt

clean: ## Remove what was set up and the local state, but not .dev.vars
	@rm -rf .tools .venv node_modules python_modules .wrangler

setup: .venv/.ready node_modules/.ready python_modules/.ready .dev.vars
	@python -m runtime.bundle >/dev/null

# What is set up, once each. A rule that fails says what to do; a rule that works says one line.

$(UV):
	@test -n '$(PYTHON)' || { echo 'error: no Python 3.11 or newer is on the PATH. Install one, then run this again.' >&2; exit 1; }
	@'$(PYTHON)' -m pip --version >/dev/null 2>&1 || { echo 'error: $(PYTHON) has no pip. Install it (Debian: apt-get install python3-pip), then run this again.' >&2; exit 1; }
	@echo '· uv $(UV_VERSION)'
	@'$(PYTHON)' -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
		--upgrade --target .tools/uv-$(UV_VERSION) uv==$(UV_VERSION)

.venv/.ready: requirements/dev.txt | $(UV)
	@echo '· Python packages, on $(PYTHON)'
	@$(UV) venv --quiet --allow-existing --python '$(PYTHON)' .venv
	@$(UV) pip sync --quiet --require-hashes --python .venv/bin/python $<
	@touch $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo 'error: no npm is on the PATH. Install any Node 20 or newer, then run this again.' >&2; exit 1; }
	@echo '· Node packages, Node 22 and workerd among them (about 400 MB, a minute)'
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

python_modules/.ready: requirements/worker.txt | $(UV)
	@echo "· the Worker's own Python packages"
	@rm -rf python_modules
	@$(UV) pip install --quiet --require-hashes --target python_modules --requirement $<
	@touch $@

.dev.vars: | .dev.vars.example
	@echo '· .dev.vars, with development secrets'
	@cp .dev.vars.example $@
