#!/bin/bash
# The whole matrix of crashes, or a part of it: whole-pass.sh [2/4]. A crash costs a program's start, so the programs are compiled ahead of time here.
set -euo pipefail
cd "$(dirname "$0")/../../.."
made=
trap 'rm -rf "$made"' EXIT
if [[ -z ${PMEMFLEET_CHAOS_PROGRAMS:-} ]]; then
  made=$(mktemp -d)
  export PMEMFLEET_CHAOS_PROGRAMS=$made/programs
  for program in Api Worker; do
    # with artifacts and lock files of its own: the repository's stay as they are
    dotnet publish "src/PmemFleet.$program" -c Release -r linux-x64 --no-self-contained -m:1 -v q -o "$PMEMFLEET_CHAOS_PROGRAMS" \
      -p:PublishReadyToRun=true -p:ArtifactsPath="$made/artifacts" -p:NuGetLockFilePath=obj/ready.lock.json
  done
  rm -f src/*/obj/ready.lock.json
  rmdir --ignore-fail-on-non-empty src/*/obj
fi
PMEMFLEET_CHAOS_CRASHES=all PMEMFLEET_CHAOS_PART=${1:-} \
  dotnet test tests/PmemFleet.Chaos.Tests --filter 'FullyQualifiedName~CrashTests' --logger 'console;verbosity=detailed'
