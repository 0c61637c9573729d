# The commands of the project; `.ci/run` uses the same ones.
PYTHON ?= python3
VENV := build/venv
PY := $(VENV)/bin/python

.PHONY: setup setup-test run tour test check bench soak gallery fix lock clean

setup: ## virtual environment, locked dependencies, system libraries, LiveKit server
	@$(PYTHON) tools/setup.py app

setup-test: ## what tests need on top: sound server, keyring daemon, Chromium, Node packages
	@$(PYTHON) tools/setup.py test

run: setup ## open the app on the sample organisation; without a display: the scripted tour
	@$(PY) -m welink_desktop.evaluation run

tour: setup-test ## the main job, scripted, on a real backend, with pictures
	@$(PY) -m welink_desktop.evaluation tour

test: setup-test
	@$(PY) tools/run_tests.py

check: setup-test ## formatting, lint, types, import contracts
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports --config pyproject.toml
	@$(VENV)/bin/mypy

bench: setup-test ## make bench ONLY="start timeline"
	@$(PY) -m bench $(ONLY)

soak: setup-test ## half an hour of encrypted messages between devices that come, go and break; SOAK="--messages 400 --devices 6"
	@$(PY) tools/soak.py $(SOAK)

gallery: setup ## every sample in every theme; GALLERY="--update" writes the goldens
	@$(PY) -m welink_desktop.gallery $(GALLERY)

fix:
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock: ## renew the hashed lock files
	@$(PYTHON) tools/lock.py

clean:
	rm -rf build
