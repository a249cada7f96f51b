# make demo   set everything up and see the pipeline work
# make test   set everything up and run the tests
# make setup  only set up (.venv); make lint; make clean

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.lbp_rehab
# What the installed interfaces and dependencies come from. Python modules run from the source tree.
SOURCES := setup.py pyproject.toml CMakeLists.txt package.xml $(wildcard cmake/* cmake/*/* cmake/*/*/*) \
	$(wildcard msg/*.msg srv/*.srv action/*.action requirements/*.txt)

.PHONY: setup demo test lint clean
.DEFAULT_GOAL := setup

setup: $(STAMP)

demo: $(STAMP)
	$(VENV)/bin/lbp-rehab demo --out out/demo

test: $(STAMP)
	$(PY) -m pytest test $(PYTEST_ARGS)

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(STAMP): $(SOURCES) requirements/setup.sh
	sh requirements/setup.sh $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build out *.egg-info
