# Shortcuts for commands that also work without `just`.

# Recipes that hand quoted words on use "$@".
set positional-arguments

[private]
default:
    @just --list --unsorted

# Build, and start with demo data
run *flags:
    ./run -- {{ flags }}

# Play search, booking and tracking against a server of its own
demo:
    ./run demo

# Run the tests, or those whose names contain a filter; `--long` for the long ones too
test *args:
    ./test {{ args }}

# Check under load and faults that nothing is oversold or lost; see docs/reliability.md
torture *args:
    cargo build --locked
    cargo run --locked --quiet -p loadmaster-torture -- {{ args }}

# Start and use the containers of what is committed
containers:
    scripts/test-containers.sh

# Build the image and start all containers; see docs/containers.md
up *args:
    docker compose up --build --detach --wait "$@"

# Remove the containers; `--volumes` deletes the data too
down *args:
    docker compose down "$@"

# Replace the instances one by one by the current image and settings; no request fails
restart *args:
    deploy/rolling-restart.sh "$@"

# Follow the logs of all containers, or of those named
logs *services:
    docker compose logs --follow --tail 100 "$@"

# Build the image and migrate the database of the containers
migrate *args:
    docker compose build migrate
    docker compose run --rm --no-deps migrate migrate "$@"

# Open psql as the superuser of the containers' PostgreSQL, or pass it arguments: `just psql -c 'select version()'`
psql *args:
    docker compose exec postgres psql --username postgres --dbname loadmaster "$@"

# Open redis-cli with the password of the containers' Redis, or pass it a command: `just redis-cli info memory`
redis-cli *args:
    docker compose exec redis sh -c 'REDISCLI_AUTH=$(sed -n "s|^[a-z]*://[^:/]*:\([^@]*\)@.*|\1|p" /run/secrets/redis_url) exec redis-cli "$@"' redis-cli "$@"

# Open a shell in the container of a service
shell service="app-1":
    docker compose exec "$1" sh

# Build the console, which is committed
web:
    cd web && npm ci --no-audit --no-fund && npm run build

# Run all gates, or those named
ci *gates:
    .ci/run {{ gates }}

# Format the sources
fmt:
    cargo fmt --all

# Lint as CI does
lint:
    .ci/run clippy

# Build and open the documentation
doc:
    cargo doc --workspace --no-deps --document-private-items --locked --open

# Regenerate .sqlx after a change of a query or a migration
prepare:
    scripts/prepare.sh

# Regenerate openapi.json after a change of the API
openapi:
    cargo run --locked --quiet -- openapi > openapi.json.new
    mv openapi.json.new openapi.json

# Regenerate docs/problems.md after a change of problem codes
problems:
    cargo run --locked --quiet -- problems > docs/problems.md.new
    mv docs/problems.md.new docs/problems.md

# Regenerate schema.graphql after a change of the API; names what clients would notice
graphql:
    cargo run --locked --quiet -- graphql-schema --check schema.graphql || true
    cargo run --locked --quiet -- graphql-schema > schema.graphql.new
    mv schema.graphql.new schema.graphql

# Send and receive the examples of the API's description and of its problems anew
examples:
    WRITE_EXAMPLES=1 ./test every_success_has_exactly every_code_of_the_catalogue
    just openapi problems

# Regenerate events.json after a change of messages; refuses what their consumers would notice
events:
    cargo run --locked --quiet -- schemas --check events.json
    cargo run --locked --quiet -- schemas > events.json.new
    mv events.json.new events.json

# Look for banned, unlicensed, vulnerable and unused dependencies
audit-deps:
    .ci/run machete deny advisories
