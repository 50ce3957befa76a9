#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, then runs all of them. Arguments go to "dotnet test".
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "tests/run.sh: $*" >&2
  exit 1
}

has_docker() {
  command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1
}

has_postgres() {
  command -v postgres >/dev/null ||
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    compgen -G '/opt/homebrew/opt/postgresql*/bin/initdb' >/dev/null ||
    compgen -G '/usr/local/opt/postgresql*/bin/initdb' >/dev/null
}

has_rabbitmq() {
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ||
    [ -x /opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server ] ||
    [ -x /usr/local/opt/rabbitmq/sbin/rabbitmq-server ]
}

has_redis() {
  [ -x /usr/bin/redis-server ] || [ -x /usr/local/bin/redis-server ] || [ -x /opt/homebrew/bin/redis-server ]
}

# Debian's packages, as root or through sudo without a password.
install() {
  command -v apt-get >/dev/null || return 1
  local -a root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
    root=(sudo -n)
  fi
  echo "tests/run.sh: installing $*"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download"

has_node() {
  command -v npm >/dev/null && command -v node >/dev/null && [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ]
}

has_chromium() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    [ -x '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' ]
}

missing=()
if ! has_docker; then
  if [ -z "${ConnectionStrings__results:-}" ] && ! has_postgres; then missing+=(postgresql); fi
  if ! has_rabbitmq; then missing+=(rabbitmq-server); fi
  if ! has_redis; then missing+=(redis-server); fi
fi
if [ "${#missing[@]}" -gt 0 ]; then
  install "${missing[@]}" || fail "the tests need PostgreSQL (initdb and postgres), RabbitMQ (rabbitmq-server) and Redis (redis-server), and cannot install: \
${missing[*]}. Start a Docker engine, or install them"
fi

# What a client of the API is tried with. Without it those tests are skipped, and say so.
has_node || install nodejs npm || true
has_node || echo "tests/run.sh: Node.js 20 or later with npm is missing: the tests of API clients, transcripts and media are skipped" >&2
has_chromium || install chromium || echo "tests/run.sh: Chromium is missing: the test of the page at /docs is skipped" >&2

# --faults N: each fault of the fault tests goes on for N seconds.
if [ "${1:-}" = --faults ]; then
  export RESULTS_FAULTS="${2:?--faults takes a number of seconds}"
  shift 2
fi

# --fuzz N: each test that makes up input goes on for N seconds.
if [ "${1:-}" = --fuzz ]; then
  export RESULTS_FUZZ="${2:?--fuzz takes a number of seconds}"
  shift 2
fi

# Hosts and services of tests end before code that was instrumented first pays for that.
export DOTNET_TieredPGO=0

[ "$#" -eq 0 ] || exec dotnet test "$@"

# All tests start the service a hundred times. So it is published once, as the Dockerfile does and of what the Dockerfile copies,
# while the tests are built: what is compiled ahead starts with half of the work. Its analyzers have their say in the tests' build.
folder=$(mktemp -d)
publishing=
end() {
  [ -z "$publishing" ] || kill "$publishing" 2>/dev/null || true
  # Services that a killed run has left would hold its output open.
  pkill -KILL -f "$folder/app/" 2>/dev/null || true
  rm -rf "$folder"
}
trap end EXIT
mkdir "$folder/source"
sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' Dockerfile | xargs tar -cf - --exclude=bin --exclude=obj | tar -xf - -C "$folder/source"
sh "$folder/source/src/publish.sh" "$folder/app" >"$folder/log" 2>&1 &
publishing=$!
dotnet build || fail "the build failed"
wait "$publishing" || {
  cat "$folder/log" >&2
  fail "src/publish.sh failed"
}
publishing=
export RESULTS_PUBLISHED=$folder/app
# What stands still is named and ended, never waited for.
dotnet test --no-build --results-directory "$folder/results" --hangdump --hangdump-type None --hangdump-timeout 12m || {
  status=$?
  find "$folder/results" -name '*_hang.log' -exec sed 's/^/tests\/run.sh: it stood still: /' {} + >&2 2>/dev/null || true
  exit "$status"
}
