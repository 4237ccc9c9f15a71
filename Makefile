# `make` lists what there is to do. Everything happens in .venv, which the first of them makes.

BIN := .venv/bin
MAKEFLAGS += --no-print-directory

help: ## list these
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS='	' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

check: run-env ## make this machine a node if it is not one yet, and check it
	@node=$$($(BIN)/power-edge init) && $(BIN)/power-edge check "$$node" && echo "next: . .venv/bin/activate; power-edge --help"

# All of it runs, whatever fails; the tests come last, for their last lines say what was not run. Two processes run them, a
# file at a time each: the tests of a file share their node. The order is that of the files: xdist's own takes the files of few
# tests last, and those are the long ones.
test: dev-env system-packages ## for developers: all tests (as root it boots nodes in containers), linters
	@rm -f tested.json; failed=''; \
	$(MAKE) lint || failed="$$failed lint"; \
	$(BIN)/python -m tox run -qq -e wheel || failed="$$failed wheel"; \
	$(MAKE) dist-twice || failed="$$failed dist"; \
	POWER_EDGE_DIST=dist $(BIN)/python -m pytest -q -n 2 --dist=loadfile --no-loadscope-reorder $(if $(CI),--junitxml=.tested.xml) || failed="$$failed tests"; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }
	@$(if $(CI),$(BIN)/python tools/tested.py .tested.xml tested.json)

lint: dev-env ## linters and type checks
	@sh tools/go-tools.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/lint.sh

generate: dev-env ## write what is made from schemas/, and the list of the outer interface
	@$(BIN)/python tools/generate.py
	@$(BIN)/python tools/interface.py

constraints: dev-env ## pin the newest versions of all dependencies in constraints.txt
	@$(BIN)/python -m tox run -qq -e constraints

record: dev-env ## after a change of a probe: record CASES='services/masked ufw/*' (default: all) once more
	@set -f; $(BIN)/python -m tests.support.lab.record $(if $(INTO),--into $(INTO)) $(CASES)

mutate: dev-env ## find what could be broken in PATHS=... and no test would notice (MINUTES=30)
	@$(BIN)/python -m tox run -qq -e mutate -- $(PATHS)

test-wheel: dev-env ## the tests that start no node, against the wheel in dist/
	@$(BIN)/python -m tox run -qq -e installed --installpkg "$$(ls dist/*.whl)"

test-trixie: dev-env ## the same with the Python of Debian 13, in a tree of the lab (as root; PATHS=... for some)
	@$(BIN)/python -m tests.support.lab.trixie $(PATHS)

test-by-hand: ## the scripts to run by hand, on this machine
	@sh tools/try-by-hand.sh

next-pytest: dev-env ## the tests that start no node, with pytest's next version
	@$(BIN)/python -m tox run -e newest -x testenv:newest.ignore_outcome=false \
		-x "testenv:newest.deps=pytest @ git+https://github.com/pytest-dev/pytest"

newest: dev-env ## the tests that start no node, with the newest dependencies
	@$(BIN)/python -m tox run -e newest

soak: dev-env ## the long runs: remedies, rulesets, boots, watches, mutated answers and files, faults (hours)
	@POWER_EDGE_SOAK=1 POWER_EDGE_RULESETS=5000 POWER_EDGE_BOOTS=100 POWER_EDGE_FUZZ_SECONDS=3600 \
	$(BIN)/python -m pytest -s tests/lab/test_remedies.py tests/lab/test_firewall_remedies.py tests/lab/test_packets.py tests/lab/test_boots.py \
		tests/lab/test_watch_model.py tests/lab/test_watch_idle.py tests/lab/test_watch_severed.py tests/fuzz tests/crash \
		tests/hostile/test_every_command.py

dist: dev-env system-packages ## everything that a release is made of, into dist/: wheel, pyz, deb, rpm, image, SBOM
	@$(BIN)/python -m tox run -qq -e dist -- dist

dist-twice: dev-env system-packages ## the same two times, in two folders: both must be equal
	@$(BIN)/python -m tox run -qq -e dist -- dist --twice

bench-dist: dev-env ## measure what dist/ holds: sizes, and how long a start takes
	@$(BIN)/python bench/dist.py

bench: dev-env ## measure the speed, against a bare probe and others
	@$(BIN)/python bench/run.py
	@$(BIN)/python bench/gate.py

bench-watch: dev-env ## measure a watch: latencies, its cost at rest, memory, a storm, fifty nodes (hours)
	@$(BIN)/python bench/watch.py $(PHASES)

# The steps of the workflows that are more than one command (tools/ci/). They read their input from the environment.
# `done` needs nothing installed.
ci-done:
	@PYTHONPATH=plugins python3 -m tools.ci done

ci-%: dev-env
	@$(BIN)/python -m tools.ci $*

# What the lab and the artifacts need of the system; only root can install it.
system-packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then sh tests/lab/install-system-packages.sh; fi

run-env dev-env:
	@sh tools/setup.sh $(@:-env=)

.DEFAULT:
	@echo "there is no target $@; there are:" >&2; $(MAKE) help >&2; exit 2

.PHONY: help check test lint test-wheel test-trixie test-by-hand next-pytest ci-done generate constraints record mutate newest soak dist dist-twice bench bench-dist bench-watch system-packages run-env dev-env
