#!/bin/sh
# Publishes the service: src/publish.sh FOLDER
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/ResultsEs"
# All assemblies are compiled for this machine's platform ahead of their start (docs/performance.md, C1). The platform would be one
# more entry of the lock file, so the publishing restore writes one of its own, with the versions and contents that ours has fixed.
dotnet restore --verbosity quiet
dotnet publish --configuration Release --verbosity quiet --output "$out" --use-current-runtime --no-self-contained -p:PublishReadyToRun=true \
  -p:NuGetLockFilePath=obj/publish.packages.lock.json -p:RestoreLockedMode=false -p:RunAnalyzers=false
