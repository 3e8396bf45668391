# make demo | test | docs | bench: each sets up what it needs in .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check docs bench clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo   read a recorded boot that stalled, and show why'
	@echo 'make test   linters, types, import rules and all tests (as root also real boots in QEMU)'
	@echo 'make check  the linters, types and import rules alone'
	@echo 'make docs   make the generated pages and pictures in docs/ again'
	@echo 'make bench  measure speed and memory against tcpdump and tshark'
	@echo 'make clean  remove .venv and caches'

# bootsniff with what it needs to run: a plain virtual environment.
$(BIN)/bootsniff: pyproject.toml
	@.ci/environment '$(PYTHON)' '$(VENV)'

# The tools of the developer on top (a dependency group: pip 25.1 or later reads it).
$(VENV)/.developer: pyproject.toml $(BIN)/bootsniff
	@echo 'Installing the development tools into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

demo: $(BIN)/bootsniff
	@echo '$$ bootsniff read pcaps/http-no-echo.pcap.xz'
	@$(BIN)/bootsniff read pcaps/http-no-echo.pcap.xz; status=$$?; test $$status -eq 1

check: $(VENV)/.developer
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.developer
	@.ci/system-packages
	@status=0; \
	$(MAKE) --no-print-directory check || status=1; \
	$(BIN)/python -m pytest -q $(PYTEST_OPTIONS) || status=1; \
	exit $$status

docs: $(VENV)/.developer
	$(BIN)/python docs/make_docs.py
	$(BIN)/python docs/make_pictures.py

bench: $(VENV)/.developer
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
