# Every target makes its own virtual environment in .venv; the second time is quick.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo what-demo-takes test test-oldest lint bench docs clean

demo: what-demo-takes .venv/.plot
	$(BIN)/sfx demo --output demo

what-demo-takes:
	@echo "Downloads 0.4 GB and takes 2.5 GB of disk, some GB more where pip takes torch with CUDA;"
	@echo "about 2 minutes to install, once, and 6 to run on two cores."

test: .venv/.test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

# With the oldest versions that pyproject.toml allows: downloads some gigabytes, since old torch brings CUDA.
test-oldest: .venv-oldest/.test
	.venv-oldest/bin/python -m pytest --numprocesses auto --maxprocesses 4

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.bench .venv-om/.peers
	$(BIN)/python -m benchmarks.speed

docs: .venv/.docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html
	$(BIN)/python -m pytest --quiet sklearn_sfx tests/test_guide.py

clean:
	rm -rf .venv .venv-om .venv-oldest demo docs/_build docs/api docs/api.md docs/auto_examples build *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sklearn_sfx needs Python 3.11 or newer; name one with 'make PYTHON=python3.11 ...'"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "No virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }

# OM's peak finder wants an old numpy. Where it cannot be installed, the benchmark says so.
.venv-om/.peers: benchmarks/speed/peers/requirements.txt
	@$(PYTHON) -m venv .venv-om
	@.venv-om/bin/python -m pip install --disable-pip-version-check --no-deps --requirement $< \
		> .venv-om/install.log 2>&1 && touch $@ || echo "No peakfinder8: see .venv-om/install.log"

.venv-oldest/.test: pyproject.toml constraints-oldest.txt
	@$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints-oldest.txt --editable '.[test]'
	@touch $@

# One stamp for each extra: the package is installed again only when its requirements change.
.venv/.%: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[$*]'
	@touch $@
