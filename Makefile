# The commands of this project. `make run` sets everything up and serves the demonstration letter.

export HOST ?= 127.0.0.1
export PORT ?= 8000
# Many processes begin here: each would compile all of Django for itself.
unexport PYTHONDONTWRITEBYTECODE

PYTHON = .venv/bin/python
MANAGE = $(PYTHON) manage.py
UV_COMPILE = .venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header

.PHONY: help run setup test check bench faults lock
.DEFAULT_GOAL := help

help:
	@echo "make run     set up, run the letter through its whole journey, serve it (HOST, PORT)"
	@echo "make setup   set up alone, into .venv/"
	@echo "make test    set up and test (but for the fault runs)"
	@echo "make check   lint, types, templates, translations, imports, migrations, locks"
	@echo "make bench   print the performance figures"
	@echo "make faults  the long fault runs"
	@echo "make lock    pin requirements*.in anew into requirements*.txt"

setup:
	@bin/setup

# The port is looked at before anything else is done. The last line takes the place of its shell, so that Ctrl-C ends it quietly.
run: setup
	@$(MANAGE) up --check
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) demo
	@exec $(MANAGE) up

test: setup
	$(PYTHON) -m pytest -n auto -m "not faults"

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/djlint --quiet --lint templates
	.venv/bin/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING
	$(MANAGE) draw_states --check
	$(MANAGE) compile_messages --check
	$(PYTHON) bin/check-locks

bench: setup
	$(PYTHON) -m tests.bench

faults: setup
	FAULT_ROUNDS=$${FAULT_ROUNDS:-50} $(PYTHON) -m pytest -n 2 --dist=load -m faults

lock: setup
	$(UV_COMPILE) requirements.in --output-file requirements.txt
	$(UV_COMPILE) requirements-dev.in --output-file requirements-dev.txt
