# `make demo` and `make test` are all that is needed; both set up `.venv` by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo test lint bench lock
help:
	@echo "make demo    a real sweep on illustrated faces, about five minutes on two CPU cores"
	@echo "make test    all tests"
	@echo "make lint    ruff and mypy"
	@echo "make bench   the benchmarks behind the README's figures"
	@echo "make setup   only the environment, in $(VENV)"
	@echo "make lock    resolve the dependencies anew into requirements.lock"

setup: $(STAMP)

# uv installs torch and torchvision as a matching pair; where it is missing it is fetched into the environment.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
	else \
		$(PYTHON) -m venv $(VENV) || \
			{ echo "install Python's venv module (Debian: apt-get install python3-venv) or uv, then try again" >&2; exit 2; }; \
		$(BIN)/python -m pip install --quiet uv; \
	fi
	@echo "installing into $(VENV) ..."
	@uv=$$(command -v uv || echo $(BIN)/uv); \
		"$$uv" pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		"$$uv" pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

# A demo never writes over an older one: it takes the next free name.
demo: $(STAMP)
	@name=demo; n=1; while [ -e "runs/$$name" ]; do n=$$((n + 1)); name=demo-$$n; done; \
	set -e; \
	$(BIN)/sweep run searchspaces/quickstart.yaml --name "$$name"; \
	$(BIN)/sweep best "$$name" --export "export/$$name" --force; \
	$(BIN)/sweep report "$$name" >/dev/null; \
	echo; \
	echo "report:          $(CURDIR)/runs/$$name/report.html"; \
	echo "exported model:  $(CURDIR)/export/$$name"

test: $(STAMP)
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python benchmarks/throughput.py
	@$(BIN)/python benchmarks/convolution.py
	@$(BIN)/python benchmarks/overhead.py

lock:
	@uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 --quiet \
		--no-emit-index-url --upgrade -o requirements.lock --custom-compile-command "make lock"
