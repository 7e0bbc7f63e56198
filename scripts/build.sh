#!/usr/bin/env bash
# Builds dist/ file by file. Only the report's charts are bundled, with the plotting library, into one file.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist
npx --no-install tsc -p tsconfig.build.json
npx --no-install esbuild src/report/charts.ts --outfile=dist/report/charts.js --allow-overwrite \
  --bundle --minify --format=esm --target=es2022 --legal-comments=inline --log-level=warning
# The source map of the file that the bundle has replaced.
rm dist/report/charts.js.map
