#!/usr/bin/env bash
# Builds dist/: ES modules for bundlers, file by file; the same for Node as CommonJS in dist/cjs/; single files.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist
npx --no-install tsc -p tsconfig.build.json &
npx --no-install tsc -p tsconfig.cjs.json
wait $!
# Each build has the stores of its platform. A conditional import of package.json would stop some bundlers.
sed -i.before "s,'#platform','./browser-stores.js'," dist/stores/resolve-location.js
sed -i.before 's,"#platform","./node-stores.js",' dist/cjs/stores/resolve-location.js
rm dist/stores/*.before dist/cjs/stores/*.before
printf '{ "type": "commonjs" }\n' > dist/cjs/package.json
npx --no-install tsx scripts/bundle.ts
# The source maps of the files that bundles have replaced.
rm dist/report/charts.js.map dist/cjs/report/charts.js.map
