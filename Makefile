# Every target makes .venv and installs what it needs; Python >= 3.11, pip and gcc are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := acs_core twilio_compat mapping
STAMP := $(VENV)/.installed
INTEROP := tests/interop
SDK := $(INTEROP)/node_modules/.installed
# Tests start many processes; without this each of them would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Processes that test side by side, of which one waits for something at most times; 0 tests in one.
WORKERS ?= 3

.PHONY: help demo serve test proof soak integrations lint format docs features site bench clean
help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	@touch $(STAMP)

# The vendor's client that the browser tests run; without it those are skipped and say so.
$(SDK): $(INTEROP)/package-lock.json
	@cd $(INTEROP) && npm ci --silent --no-audit --no-fund && touch node_modules/.installed \
		|| echo "npm ci did not work: the tests with the vendor's client will be skipped"

demo: $(STAMP) ## three participants in one room, with real media files; see demo-out/
	$(BIN)/twilio-compat demo $(DEMO)

serve: $(STAMP) ## the service, with development credentials
	$(BIN)/twilio-compat serve --dev $(SERVE)

# A process that crashes fails its test; pytest-xdist would start another, and then wait for ever.
test: $(STAMP) $(SDK) ## everything but the long proofs
	$(BIN)/python -m pytest -m "not proof and not soak" --numprocesses $(WORKERS) --dist loadfile \
		--max-worker-restart 0 $(PYTEST)

proof: $(STAMP) $(SDK) ## the long proofs; prints their figures
	$(BIN)/python -m pytest -m proof -s $(PYTEST)

# Pipecat pulls half a gigabyte, so its tests have an environment of their own.
integrations: ## the tests of the integrations with other frameworks, with these installed
	test -d .venv-pipecat || $(PYTHON) -m venv .venv-pipecat
	.venv-pipecat/bin/python -m pip install --quiet --upgrade pip
	.venv-pipecat/bin/python -m pip install --quiet --editable '.[test,pipecat]'
	.venv-pipecat/bin/python -m pytest tests/integrations $(PYTEST)

# Without pytest's logging: it keeps all records, and with their errors whole rooms.
soak: $(STAMP) $(SDK) ## hours of calls; by hand
	$(BIN)/python -m pytest -m soak -s --timeout 0 -p no:logging $(PYTEST)

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## let ruff format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

features: docs ## the same as docs
docs: $(STAMP) ## mapping/docs: what corresponds to what, features, differences from Twilio
	$(BIN)/python -m mapping docs

site: docs ## mapping/docs as pages with a search box: build/site/index.html
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --config-file mapping/mkdocs.yml

bench: $(STAMP) ## performance, with machine and versions
	$(BIN)/python -m benchmarks $(BENCH)

clean: ## what was made, except .venv and node_modules
	rm -rf build dist demo-out .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
