# One target a task; each makes the environments that it needs. `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
SAM := .local/sam/bin/sam
export SAM_CLI_TELEMETRY := 0

.PHONY: run test check test-unit test-integration test-e2e build deploy pins
.DEFAULT_GOAL := run

run: ## the whole stack on this machine, with its demo (ARGS=--exit ends after the demo)
	@$(PYTHON) local/bootstrap.py project emulator sam
	@$(BIN)/python -m local.run $(ARGS)

test: check test-unit test-integration test-e2e ## what CI runs

check: ## format, lint, types, the direction of imports
	@$(PYTHON) local/bootstrap.py project
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy functions layers/segments/src local tests
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

test-unit:
	@$(PYTHON) local/bootstrap.py project
	$(BIN)/pytest tests/unit $(ARGS)

test-integration: ## against AWS_ENDPOINT_URL_DYNAMODB, or a MiniStack started for it
	@$(PYTHON) local/bootstrap.py project emulator
	$(BIN)/pytest tests/integration $(ARGS)

test-e2e: ## deploys the template to MiniStack once and talks HTTP
	@$(PYTHON) local/bootstrap.py project emulator sam
	$(BIN)/pytest tests/e2e $(ARGS)

build: ## for AWS
	@$(PYTHON) local/bootstrap.py sam
	$(SAM) build

deploy: build ## to the AWS account of your credentials
	$(SAM) deploy --guided

pins: ## move every pin to the newest version that pyproject.toml allows
	@$(PYTHON) local/bootstrap.py project
	local/pin
