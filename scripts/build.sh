#!/usr/bin/env bash
# Builds dist/: file by file, but for the charts of the report, which are one file with the plotting library in it.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist
npx --no-install tsc -p tsconfig.build.json
npx --no-install esbuild src/report/charts.ts --outfile=dist/report/charts.js --allow-overwrite \
  --bundle --minify --format=esm --target=es2022 --legal-comments=inline --log-level=warning
# That of the file which has been replaced.
rm dist/report/charts.js.map
