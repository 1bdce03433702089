# The usual commands, in an environment with `pip install -e ".[test,docs]"`. CONTRIBUTING.md describes them.
PYTHON ?= python
ENV ?= CartPole-v1

.PHONY: check quick test docs links

check: ## everything except the slow tests
	$(PYTHON) -m pytest

quick: ## formatting, lint and the architecture
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m pytest -n 0 tests/test_architecture.py

test: ## the tests of one id: make test ENV=CartPole-v1
	$(PYTHON) -m pytest -n 0 tests/conformance tests/parity tests/envs tests/registration -k "$(ENV)"

docs: ## the site, in site/, with an animation of every id
	DOCS_ANIMATIONS=. $(PYTHON) -m mkdocs build --strict

links: ## the links that lead out of the repository
	$(PYTHON) -m docs.generator.links
