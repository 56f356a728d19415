#!/bin/sh
# Writes openapi/pmemfleet.v1.json from the code. The same test without the variable fails while the file is not of the code.
set -eu
cd "$(dirname "$0")/../.."
PMEMFLEET_WRITE_OPENAPI=1 dotnet test -v q tests/PmemFleet.Api.Tests --filter "FullyQualifiedName~CommittedDocument_OfThisCode_IsTheSame"
