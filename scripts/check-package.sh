#!/usr/bin/env bash
# Packs the project, and checks the tarball as users get it: its files, exports and types.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$folder" > /dev/null
tarball=$(ls "$folder"/*.tgz)

npx --no-install publint --strict "$tarball"
npx --no-install attw "$tarball"
