# One target a task; each makes the environments that it needs. `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
ARGS ?=
JOBS ?= 3
# What fails soonest first, then the longest, so that none is left alone at the end.
TIERS := check test-deployed test-proven test-sam-local test-undeployed test-unit test-simulation test-client test-openapi
BIN := .venv/bin
# Unit tests, the simulation and the layers' tests run on the Python that the functions have on Lambda, where it is found.
RUNTIME_BIN := .local/runtime/bin
SAM := .local/sam/bin/sam
export SAM_CLI_TELEMETRY := 0
# Some hundred processes import the same libraries: what the first has compiled is there for the others, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run invoke test check test-unit test-simulation simulate test-integration test-conformance test-proven test-engines night
.PHONY: test-e2e test-browser test-deployed test-undeployed test-sam-local test-openapi test-client
.PHONY: bench scale build deploy dashboard pins audit house events
.DEFAULT_GOAL := run

run: ## the whole stack on this machine, with its demo (ARGS=--exit ends after the demo)
	@$(PYTHON) local/bootstrap.py project emulator sam
	@$(BIN)/python -m local.run $(ARGS)

invoke: ## one function in a container, beside `make run`: FUNCTION=update_segment EVENT=events/update_segment.json
	@$(PYTHON) local/bootstrap.py project sam
	@$(BIN)/python -m local.invoke '$(FUNCTION)' $(EVENT)

test: ## what CI runs: the check and all tiers, three at a time (JOBS=1 for one after the other), each told of when it has ended
	@$(PYTHON) local/bootstrap.py project emulator sam runtime
	@$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target $(TIERS)

check: ## format, lint, types, the direction of imports
	@$(PYTHON) local/bootstrap.py project
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy functions layers/segments/src client/src client/tests local tests
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml event_schemas.yaml docs/subscriber.yaml docs/message_requested.yaml

test-unit:
	@$(PYTHON) local/bootstrap.py project emulator runtime
	$(RUNTIME_BIN)/pytest tests/unit $(ARGS)

test-simulation: ## the handlers in a simulated stack where everything goes wrong, by a fixed list of seeds
	@$(PYTHON) local/bootstrap.py project runtime
	$(RUNTIME_BIN)/pytest tests/simulation $(ARGS)

simulate: ## more seeds, as long as you like: SEEDS=5000 FIRST=1; WHAT=requests or imports; KEEP=3,4 replays part of one
	@$(PYTHON) local/bootstrap.py project
	$(BIN)/python -m tests.simulation.run $(or $(SEEDS),1000) --first $(or $(FIRST),1) $(if $(WHAT),--what $(WHAT)) $(if $(KEEP),--keep $(KEEP))

test-integration: ## against AWS_ENDPOINT_URL_DYNAMODB, or the tests' own DynamoDB, which writes down what it was sent
	@$(PYTHON) local/bootstrap.py project emulator
	$(BIN)/pytest tests/integration $(ARGS)

test-conformance: ## the tests' own DynamoDB beside both engines; what the integration tier sent, judged by Amazon's own parser
	@$(PYTHON) local/bootstrap.py project emulator
	$(BIN)/pytest tests/conformance $(ARGS)

test-proven: test-integration ## the two above, one after the other
	@$(MAKE) --no-print-directory test-conformance

# DynamoDB Local gets slow with use, so each eight files have a fresh one.
test-engines: ## the whole integration tier on MiniStack and on DynamoDB Local, for the night and for new pins
	@$(PYTHON) local/bootstrap.py project emulator
	$(BIN)/python -m local.emulator $(BIN)/pytest tests/integration $(ARGS)
	@ls tests/integration/test_*.py | xargs -n 8 $(BIN)/python -m local.dynamodb_local $(BIN)/pytest $(ARGS)

night: ## more seeds, more and new examples, and both engines: for the night and for new pins (an hour or two)
	@$(MAKE) --no-print-directory simulate
	@$(MAKE) --no-print-directory test-unit test-simulation test-integration ARGS=--hypothesis-profile=night
	@$(MAKE) --no-print-directory test-engines

test-e2e: ## deploys the template to MiniStack once and talks HTTP
	@$(PYTHON) local/bootstrap.py project emulator sam runtime
	$(BIN)/pytest tests/e2e $(ARGS)

test-browser: ## the page in a headless Chromium, against the deployed template
	@$(PYTHON) local/bootstrap.py project emulator sam
	$(BIN)/pytest tests/browser $(ARGS)

test-deployed: ## what of the two above needs a deployment, against one
	@$(PYTHON) local/bootstrap.py project emulator sam
	$(BIN)/pytest tests/e2e tests/browser -m deployed $(ARGS)

test-undeployed: ## all else of the two: the page before an API that is made up, the built layers, `make run` itself
	@$(PYTHON) local/bootstrap.py project emulator sam runtime
	$(BIN)/pytest tests/e2e tests/browser -m "not deployed" $(ARGS)

test-openapi: ## openapi.json in the hands of linters, of generators of clients, and of what follows its links
	@$(PYTHON) local/bootstrap.py project clients
	$(BIN)/pytest tests/openapi $(ARGS)

test-client: ## the client against a server that fails on purpose and against the handlers
	@$(PYTHON) local/bootstrap.py project
	$(BIN)/pytest client/tests $(ARGS)

test-sam-local: ## the functions as built for AWS in containers, where a container engine is there or can be started
	@$(PYTHON) local/bootstrap.py project emulator sam
	$(BIN)/pytest tests/sam_local $(ARGS)

bench: ## measures it all beside a baseline, about 25 minutes (ARGS=--imports: imports alone); writes docs/benchmarks.md and docs/scale.md
	@$(PYTHON) local/bootstrap.py project emulator sam
	@$(BIN)/python -m tests.benchmarks $(ARGS)

scale: ## reckons what rates of changes and numbers of users take, from the last bench's figures; writes docs/scale.md
	@$(PYTHON) local/bootstrap.py project
	@$(BIN)/python -m tests.benchmarks.scale

build: ## for AWS
	@$(PYTHON) local/bootstrap.py sam
	$(SAM) build

deploy: build ## to the AWS account of your credentials; SNAPSTART=on: what people wait for starts from snapshots
	@$(PYTHON) local/bootstrap.py project
	$(SAM) deploy --guided $(if $(filter on,$(SNAPSTART)),--template-file "$$($(BIN)/python -m local.snapstart)")

dashboard: ## of a deployed stack, in CloudWatch: STACK=api-segments
	@$(PYTHON) local/bootstrap.py project
	@$(BIN)/python -m local.dashboard $(or $(STACK),api-segments)

house: ## draw the package's rooms and their arrows into docs/house.svg
	@$(PYTHON) local/bootstrap.py project
	@$(BIN)/python -m local.house

events: ## write the events' schemas into docs/events and event_schemas.yaml
	@$(PYTHON) local/bootstrap.py project
	@$(BIN)/python -m local.event_schemas

pins: ## move every pin to the newest version that pyproject.toml allows
	@$(PYTHON) local/bootstrap.py project
	local/pin

audit: ## hold every pin against the published advisories; says so, and does not fail, where none can be reached
	@$(PYTHON) local/bootstrap.py project audit
	@$(BIN)/python -m local.audit
