#!/bin/sh
# Publishes the service with the code that Wolverine generates compiled in: src/publish.sh FOLDER
# A first build generates it, which needs no database, and a second holds it.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/ResultsEs"
trap 'rm -rf Internal' EXIT
rm -rf Internal
dotnet build --configuration Release --verbosity quiet
ConnectionStrings__results=Host=none dotnet bin/Release/net10.0/ResultsEs.dll codegen write >/dev/null
# The generated code is not held to our rules. All assemblies are compiled for this machine's platform ahead of their start (docs/performance.md, C1). The platform would be one more entry of the
# lock file, so this restore writes one of its own; the versions and contents are those that the build above restored by ours.
dotnet publish --configuration Release --verbosity quiet --output "$out" --use-current-runtime --no-self-contained -p:PublishReadyToRun=true \
  -p:NuGetLockFilePath=obj/publish.packages.lock.json -p:RestoreLockedMode=false \
  -p:HasGeneratedCode=true -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false
