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
# The generated code is not held to our rules.
dotnet publish --configuration Release --verbosity quiet --output "$out" -p:HasGeneratedCode=true -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false
