# `make demo` and `make test` are all that is needed; both set up `.venv` by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs

# Ray starts many processes; without the cache of compiled modules each of them would compile torch anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-lowest setup-newest setup-aws setup-gcp demo test hosts coverage lint docs bench soak image lock keys operators
help:
	@echo "make demo      a real sweep on illustrated faces, about five minutes on two CPU cores"
	@echo "make test      all tests but those of make hosts"
	@echo "make hosts     sweeps on simulated hosts, about four minutes; needs root on Linux, and skips elsewhere"
	@echo "make coverage  all tests, and the share of lines and branches that they run"
	@echo "make lint      ruff, mypy, oxlint, hadolint and shellcheck"
	@echo "make docs      the site of documentation, in build/site"
	@echo "make bench     the benchmarks behind the README's figures"
	@echo "make soak      300 trials with workers killed at random, about ten minutes"
	@echo "make setup     only the environment, in $(VENV); setup-lowest, setup-newest: with other versions than the lock's"
	@echo "make setup-aws what 'ray up' needs to rent machines at AWS, beside the environment; setup-gcp: at Google Cloud"
	@echo "make image     deploy/Dockerfile, for NVIDIA's GPUs, or with DEVICE=cpu"
	@echo "make keys      write the tables of keys in docs/systems.md anew"
	@echo "make operators the tables of operators in docs/speed.md"
	@echo "make lock      resolve the dependencies anew into requirements*.lock"

setup: $(STAMP)

UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(BIN)/uv)

# An environment with uv, which is fetched into it where the machine has none.
define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
if [ "$(UV)" = uv ]; then \
	uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
elif ! [ -x $(UV) ]; then \
	$(PYTHON) -m venv $(VENV) || \
		{ echo "install Python's venv module (Debian: apt-get install python3-venv) or uv, then try again" >&2; exit 2; }; \
	$(BIN)/python -m pip install --quiet uv; \
fi
echo "installing into $(VENV) ... (with PyTorch for CUDA: about 6 GB on Linux)"
endef

INSTALL := $(UV) pip install --quiet --python $(BIN)/python
# The package itself, built with the backend that is installed.
INSTALL_PACKAGE := $(INSTALL) --no-deps --no-build-isolation -e .

# What the lock names, hashes checked.
$(STAMP): pyproject.toml requirements.lock
	@$(environment)
	@quiet=--quiet; if [ -t 2 ]; then quiet=; fi; \
	$(UV) pip install $$quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(INSTALL_PACKAGE)
	@touch $@

# In place of the lock: the lowest versions that pyproject.toml allows, or the newest there are. All targets then use
# these, until pyproject.toml or the lock changes.
setup-lowest: RESOLUTION := lowest-direct
setup-newest: RESOLUTION := highest
setup-lowest setup-newest:
	@$(environment)
	@$(INSTALL) --upgrade --resolution $(RESOLUTION) --extra dev -r pyproject.toml
	@$(INSTALL_PACKAGE)
	@touch $(STAMP)

# What Ray's cluster launcher needs to rent machines, beside the lock.
setup-aws setup-gcp: setup-%: $(STAMP)
	@$(INSTALL) --constraints requirements.lock --extra $* -r pyproject.toml

$(DOCS_STAMP): $(STAMP) requirements-docs.lock
	@$(INSTALL) --require-hashes -r requirements-docs.lock
	@touch $@

docs: $(DOCS_STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "$(CURDIR)/build/site/index.html"

# A demo never writes over an older one: it takes the next free name.
demo: $(STAMP)
	@set -e; \
	name=demo; n=1; while [ -e "runs/$$name" ] || [ -e "export/$$name" ]; do n=$$((n + 1)); name=demo-$$n; done; \
	$(BIN)/sweep run searchspaces/quickstart.yaml --name "$$name"; \
	$(BIN)/sweep best "$$name" --export "export/$$name"; \
	$(BIN)/sweep report "$$name" >/dev/null; \
	report="$(CURDIR)/runs/$$name/report.html"; \
	echo; \
	echo "report:          $$report"; \
	echo "exported model:  $(CURDIR)/export/$$name"; \
	if [ -t 1 ] && [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] && command -v xdg-open >/dev/null; then \
		xdg-open "$$report" >/dev/null 2>&1 || true; \
	elif [ -t 1 ] && [ "$$(uname)" = Darwin ]; then open "$$report"; fi

# Four processes on two cores: two begin with tests that wait, for a worker that hangs or a server that is down, and leave
# the cores to the others (tests/helpers/programs/two_queues.py).
test: $(STAMP)
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

# Beside `make test`, because they take minutes on machines that allow them.
hosts: $(STAMP)
	@$(BIN)/python -m pytest -m hosts -rs tests/hosts

# Beside `make test`, because measuring makes tests slower; a Python from 3.14 on does it at the least cost.
coverage: $(STAMP)
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/oxlint --deny-warnings sweep/report/assets sweep/play/assets
	@$(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/shellcheck deploy/slurm.sbatch

# By hand: 300 trials with workers killed at random, about ten minutes on two cores.
soak: $(STAMP)
	@$(BIN)/python benchmarks/soak.py --out benchmarks/results/soak.json

bench: $(STAMP)
	@$(BIN)/python benchmarks/throughput.py
	@$(BIN)/python benchmarks/convolution.py
	@$(BIN)/python benchmarks/slopes.py
	@$(BIN)/python benchmarks/overhead.py

keys: $(STAMP)
	@$(BIN)/python scripts/keys.py

operators: $(STAMP)
	@$(BIN)/python scripts/operators.py

# For NVIDIA's GPUs; for processors alone with DEVICE=cpu.
DEVICE ?= cuda
image:
	docker build -f deploy/Dockerfile -t sweep --build-arg DEVICE=$(DEVICE) .

lock:
	@$(UV) pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 --quiet \
		--no-emit-index-url --upgrade -o requirements.lock --custom-compile-command "make lock"
	@$(UV) pip compile --group docs --constraints requirements.lock --universal --generate-hashes --python-version 3.11 \
		--quiet --no-emit-index-url --upgrade -o requirements-docs.lock --custom-compile-command "make lock"
	@$(UV) pip compile pyproject.toml --extra cluster --constraints requirements.lock --universal --generate-hashes \
		--python-version 3.11 --quiet --no-emit-index-url --upgrade -o requirements-image.lock \
		--custom-compile-command "make lock"
