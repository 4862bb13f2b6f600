# `make demo` and `make test` install what they need into .venv and run. Debian packages are installed only when they
# are missing and this user may; otherwise the one command to run is printed.

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
# Exactly this version has a CPU build to be found; another would bring gigabytes of CUDA packages.
TORCH := torch==2.13.0

EGL_PACKAGES := libegl1 libgl1
TEST_PACKAGES := $(EGL_PACKAGES) xvfb libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0

.PHONY: demo test lint bench blender desktop serve clean venv system-demo system-test

demo: system-demo $(VENV)/.backend
	$(BIN)/wholeform demo

test: system-test $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

blender: $(VENV)/.dev
	$(BIN)/python -m blender_addon.build

desktop: $(VENV)/.dev
	$(BIN)/wholeform-desktop

serve: $(VENV)/.backend
	$(BIN)/wholeform serve

venv: $(VENV)/.dev

$(VENV)/.python:
	$(PYTHON) -m venv $(VENV) || { $(call install,python3-venv) && $(PYTHON) -m venv --clear $(VENV); }
	touch $@

$(VENV)/.backend: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) $(TORCH)
	$(PIP) -e '.[backend]'
	touch $@

$(VENV)/.dev: $(VENV)/.backend
	$(PIP) -e '.[backend,desktop,dev]'
	touch $@

# $(call install,PACKAGES): install Debian packages where that is allowed, else say what to run.
install = if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; \
	elif sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; \
	else echo "Please run: sudo apt-get install $(1)"; false; fi

# $(call missing,PACKAGES): those that are not installed; nothing on a system without dpkg.
missing = $(shell command -v dpkg-query >/dev/null && for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done)

system-demo:
	@lacking="$(call missing,$(EGL_PACKAGES))"; [ -z "$$lacking" ] || { $(call install,$$lacking); } || true

system-test:
	@lacking="$(call missing,$(TEST_PACKAGES))"; [ -z "$$lacking" ] || { $(call install,$$lacking); }

clean:
	rm -rf $(VENV) build *.egg-info demo-output
