# `make demo` and `make test` make .venv, install what they need into it, and run. Debian packages are installed only
# where they are missing and this user may; otherwise the one command to run is printed.
# Arguments: make demo ARGS="photo.jpg --point 420,310", make test ARGS="tests/unit -k keys".

VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -c constraints.txt

# Without these, pictures of meshes come from a slower renderer.
DEMO_PACKAGES := libegl1 libgl1
# What Qt loads.
DESKTOP_PACKAGES := $(DEMO_PACKAGES) libglib2.0-0 libfontconfig1 libdbus-1-3 libxcb-cursor0 libxkbcommon-x11-0 \
	libxcb-icccm4 libxcb-keysyms1 libxcb-shape0
# A display and a mouse for the desktop's tests, and what Blender as a Python package loads.
TEST_PACKAGES := $(DESKTOP_PACKAGES) xvfb xdotool libxi6 libxxf86vm1 libxfixes3 libxrender1 libsm6 libxkbcommon0

.PHONY: demo test lint bench blender desktop serve venv clean

demo: $(VENV)/.backend
	@$(call want,$(DEMO_PACKAGES)) || true
	$(BIN)/wholeform demo $(ARGS)

test: $(VENV)/.dev
	@$(call want,$(TEST_PACKAGES))
	@# The extension's test in a real window is laid out for this Blender; elsewhere it is skipped.
	@! apt-cache policy blender 2>/dev/null | grep -q 'Candidate: 3\.4' || $(call want,blender python3-numpy) || true
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

blender: $(VENV)/.dev
	$(BIN)/python -m blender_addon.build

desktop: $(VENV)/.desktop
	@$(call want,$(DESKTOP_PACKAGES))
	$(BIN)/wholeform-desktop

serve: $(VENV)/.backend
	$(BIN)/wholeform serve

venv: $(VENV)/.dev

clean:
	rm -rf $(VENV) build dist *.egg-info demo-output

# Debian's Python leaves venv to a package of its own, and refuses pip outside a venv (PEP 668).
$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: sudo apt-get install python3 python3-venv"; false; }
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { $(call want,python3-venv); }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# torch first and by its exact version: only then does pip find its CPU build.
$(VENV)/.backend: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing the server into $(VENV), about a minute …"
	@$(PIP) torch==2.13.0
	@$(PIP) -e '.[backend]'
	@touch $@

$(VENV)/.desktop: $(VENV)/.backend
	@echo "Installing the desktop application into $(VENV) …"
	@$(PIP) -e '.[backend,desktop]'
	@touch $@

$(VENV)/.dev: $(VENV)/.desktop
	@echo "Installing what tests and checks need into $(VENV) …"
	@$(PIP) -e '.[backend,desktop,dev]'
	@touch $@

# $(call want,PACKAGES): installs the Debian packages that are missing, where this user may; else says what to run and
# fails. Does nothing on systems without dpkg.
define want
	( if ! command -v dpkg-query >/dev/null; then exit 0; fi; \
	missing=$$(for name in $(1); do \
		dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || echo $$name; done | xargs); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif sudo -n true 2>/dev/null; then as_root=sudo; \
	else echo "Missing. Please run: sudo apt-get install $$missing"; exit 1; fi; \
	echo "Installing Debian packages: $$missing"; \
	$$as_root apt-get update -qq && \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends $$missing >/dev/null )
endef
