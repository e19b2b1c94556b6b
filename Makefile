# `make help` lists the targets.

.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Tests also wait: for browsers, for servers to start. So there are more workers than two cores.
JOBS ?= 4
REPEATS ?= 20
SUITABLE := 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

.PHONY: help run install install-dev install-security dump restore secrets settings-docs test test-slow cluster rehearse-upgrade observability-test faults check security lock bench bench-audit bench-footprint bench-hostile bench-keys bench-pages bench-prompts bench-search bench-telemetry clean

# Some shells and containers set it. Without compiled files each start of Python takes 3 seconds more.
unexport PYTHONDONTWRITEBYTECODE

# $(call install,ARGUMENTS) runs deploy/install.py with PYTHON, that of the environment, or the newest that is suitable.
define install
@for python in $(PYTHON) $(BIN)/python python3.13 python3.12 python3.11 python3 python; do \
	if "$$python" -c $(SUITABLE) >/dev/null 2>&1; then exec "$$python" deploy/install.py $(1); fi; \
done; \
echo "Python 3.11, 3.12 or 3.13 with venv is needed; python3 is $$(python3 --version 2>&1 | head -n 1)." \
	"Install one (Debian: apt install python3 python3-venv), or set PYTHON to its path." >&2; \
exit 1
endef

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: install ## Start everything and serve on http://127.0.0.1:8000 (PORT=...); Ctrl+C stops it
	@exec $(BIN)/python manage.py up

install: ## Install the requirements into .venv, or repair it; the other targets do so by themselves
	$(call install,requirements.txt)

install-dev: ## As install, with what tests and checks need
	$(call install,requirements.txt requirements-dev.txt)

install-security:
	$(call install,--venv .venv-security security/requirements.txt)

dump: install ## Back the database up while everything runs: FILE=aistrale.dump
	@exec $(BIN)/python manage.py dump "$(FILE)"

restore: install ## Fill an empty database from a dump: FILE=aistrale.dump
	@exec $(BIN)/python manage.py restore "$(FILE)"

secrets: ## Create the secrets of docker-compose.yml that do not exist yet
	@python3 deploy/make_secrets.py

settings-docs: ## Write docs/settings.md anew, after a change of .env.example
	@python3 deploy/document_settings.py

# These wait less, and each worker takes ten seconds to load everything.
test: JOBS := $(if $(filter file,$(origin JOBS)),3,$(JOBS))
test: install-dev ## Run all tests on throw-away servers (JOBS=..., ARGS="...")
	@exec $(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

test-slow: install-dev ## Run those in a browser, of servers that are killed, and of installations with each Python
	@exec $(BIN)/pytest -n $(JOBS) --dist worksteal -m slow $(ARGS)

cluster: install-dev ## Run three web processes and two workers behind nginx, kill and restart them (STREAMS=50)
	@AISTRALE_CLUSTER_STREAMS=$(or $(STREAMS),50) exec $(BIN)/pytest -m slow -v aistrale/tests/end_to_end/test_cluster.py $(ARGS)

rehearse-upgrade: install-dev ## Take over the data of the last release while requests come, and restore its dump
	@exec $(BIN)/pytest -m slow -v -rP aistrale/tests/end_to_end/test_upgrade.py $(ARGS)

OBSERVED = aistrale/tests/test_monitoring.py aistrale/tests/test_receivers.py aistrale/tests/test_sentry.py \
	aistrale/tests/test_span_export.py aistrale/tests/test_log_export.py aistrale/tests/test_logs.py \
	aistrale/tests/test_metrics.py aistrale/tests/test_outgoing_by_proxy.py aistrale/tests/end_to_end/test_prometheus.py \
	aistrale/tests/end_to_end/test_tracing.py aistrale/tests/end_to_end/test_observed.py

observability-test: install-dev ## Have Prometheus scrape a site, and receivers of traces, logs and errors take what it sends, or not
	@exec $(BIN)/pytest -n 2 --dist loadfile -m "slow or not slow" -v $(OBSERVED) $(ARGS)

faults: SEED ?= $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
faults: install-dev ## Cause every fault REPEATS=20 times with other seeds, and look whether all is sound (SEED=...)
	@echo "Seeds from $(SEED)"
	@exec $(BIN)/pytest -n $(JOBS) -m fault --repeats $(REPEATS) --seed $(SEED) -v $(ARGS)

# The settings of a production of which nothing exists: these checks ask no server.
check: export AISTRALE_DATA_DIR = $(CURDIR)/$(VENV)/no-data
check: export AISTRALE_ENV_FILE = /dev/null
check: export AISTRALE_PUBLIC_URL = https://aistrale.test
check: export AISTRALE_BEHIND_PROXY = true
check: export SECRET_KEY = $(shell od -An -N40 -tx1 /dev/urandom | tr -d ' \n')
check: export DATABASE_URL =
check: export REDIS_URL =
check: install-dev ## Lint, types, layers, missing migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --deploy --fail-level WARNING

security: install-dev install-security ## Scan the source and a running system; fails on what has no written reason
	@exec $(BIN)/python -m security

bench: install-dev ## Measure against a local provider and print a table (PEER=litellm, ARGS="--json")
	@exec $(BIN)/python -m bench $(if $(PEER),--peer $(PEER)) $(ARGS)

bench-audit: install-dev ## Measure appends to the audit log and its verification (ARGS="--json")
	@exec $(BIN)/python -m bench.audit $(ARGS)

bench-footprint: install-dev ## Measure memory, idle and under 100 streams, and what traces cost (TRACED=0.1)
	@exec $(BIN)/python -m bench.footprint $(if $(TRACED),--traced $(TRACED)) $(ARGS)

bench-pages: install-dev ## Measure pages and log-ins of many people at once, and long conversations (ARGS="--json")
	@exec $(BIN)/python -m bench.pages $(ARGS)

bench-hostile: install-dev ## Measure what answers that are hard to show, and clients that read nothing, cost others
	@exec $(BIN)/python -m bench.hostile

bench-keys: install-dev ## Measure a rotation of the data keys against bare updates (ARGS="--json")
	@exec $(BIN)/python -m bench.keys $(ARGS)

bench-prompts: install-dev ## Measure how fast applications read prompts through the API (ARGS="--json")
	@exec $(BIN)/python -m bench.prompts $(ARGS)

bench-telemetry: install-dev ## Measure pages of figures and calls at 100 k and 1 M calls (FULL=1 for 10 M, ARGS="--json")
	@exec $(BIN)/python -m bench.telemetry $(if $(FULL),--full) $(ARGS)

bench-search: install-dev ## Measure how well and how fast search finds, by labelled sets of others (FULL=1 for 1 M vectors)
	@exec $(BIN)/python -m bench.search $(if $(FULL),--full) $(ARGS)

UV ?= $(BIN)/uv
COMPILE = $(UV) pip compile $(ARGS) --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

lock: ## Pin all requirements with hashes; versions stay unless a .in file or ARGS="--upgrade" asks for others
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) -c requirements.txt requirements-dev.in -o requirements-dev.txt
	@echo uv | $(COMPILE) --no-annotate - -o deploy/uv.txt
	@$(COMPILE) security/requirements.in -o security/requirements.txt

clean: ## Remove what the tools have made; var/ with its data stays
	@rm -rf $(VENV) .venv-security sbom.json .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis test-results
