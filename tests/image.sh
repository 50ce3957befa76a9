#!/usr/bin/env bash
# What the Dockerfile does, as processes, for machines without a Docker engine: publishes, makes the tables as an operator does, starts two nodes with
# the image's settings in Production, and runs the smoke test through both.
#
#   ConnectionStrings__results=… tests/image.sh [FOLDER]
#
# ConnectionStrings__results   an empty database
# FOLDER                       what is published goes here; without it, into a folder that is gone afterwards
# RESULTS_PUBLISHED            a folder where it is published already, as tests/run.sh has it
set -euo pipefail
cd "$(dirname "$0")/.."

: "${ConnectionStrings__results:?name an empty database in ConnectionStrings__results}"
folder=$(mktemp -d)
app=${RESULTS_PUBLISHED:-${1:-$folder/app}}
declare -a nodes=()
end() {
  for node in "${nodes[@]}"; do
    kill -9 "$node" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap end EXIT

if [ -z "${RESULTS_PUBLISHED:-}" ]; then
  echo "publishing"
  sh src/publish.sh "$app"
fi
for compiler in "$app"/Microsoft.CodeAnalysis*.dll "$app"/Wolverine.RuntimeCompilation.dll; do
  [ ! -e "$compiler" ] || { echo "tests/image.sh: $compiler is a compiler" >&2; exit 1; }
done

# The image's settings; the data folder and the address are those of this machine, and the nodes' shared ones come as compose gives them.
while read -r setting; do
  export "${setting?}"
done < <(sed -n 's/^ENV //p' Dockerfile | tr ' ' '\n')
[ "${RESULTS_DATA:?}" = /data ] && [ "${ASPNETCORE_URLS:?}" = http://+:5080 ] || { echo "tests/image.sh: the Dockerfile's settings are others" >&2; exit 1; }
export RESULTS_DATA=$folder/data ASPNETCORE_URLS=http://127.0.0.1:0 ASPNETCORE_ENVIRONMENT=Production Access__Issuer=http://results.example/
export CLIENT=smoke SECRET=smoke-secret-of-one-day WORKSPACE=5a0c0000-0000-4000-8000-00000000000a
mkdir "$RESULTS_DATA"
cd "$app"
SecretHash=$(dotnet ResultsEs.dll hash-secret <<<"$SECRET" | tail -1)
export Clients__0__Id=$CLIENT Clients__0__SecretHash=$SecretHash Clients__0__Account=5a0c0000-0000-4000-8000-000000000001
export Clients__0__Workspaces__0=$WORKSPACE Clients__0__Scopes__0=studies:read Clients__0__Scopes__1=events:write

echo "making the tables"
dotnet ResultsEs.dll db-apply >"$folder/apply" || { cat "$folder/apply" >&2; exit 1; }

declare -a addresses=()
for node in 1 2; do
  echo "starting node $node"
  dotnet ResultsEs.dll >"$folder/$node" 2>&1 &
  nodes+=($!)
  address=
  for _ in $(seq 300); do
    address=$(sed -n 's/.*Now listening on: \(http:[^" ]*\).*/\1/p' "$folder/$node" | head -1)
    [ -n "$address" ] && dotnet ResultsEs.dll health "$address" >/dev/null 2>&1 && break
    kill -0 "${nodes[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  # As the image's health check asks.
  dotnet ResultsEs.dll health "$address" || { cat "$folder/$node" >&2; exit 1; }
  addresses+=("$address")
done

bash "$OLDPWD/docs/operations/smoke.sh" "${addresses[0]}" "${addresses[1]}"
bash "$OLDPWD/docs/operations/smoke.sh" "${addresses[1]}" "${addresses[0]}"

for i in 0 1; do
  echo "stopping node $((i + 1))"
  kill -TERM "${nodes[$i]}"
  wait "${nodes[$i]}" || { echo "tests/image.sh: node $((i + 1)) ended with $?" >&2; cat "$folder/$((i + 1))" >&2; exit 1; }
  if gone=$(dotnet ResultsEs.dll health "${addresses[$i]}" 2>&1); then
    echo "tests/image.sh: a node that is gone is said to be ready: $gone" >&2
    exit 1
  fi
done
echo "the image's steps are right"
