#!/usr/bin/env bash
# Builds dist/: in dist/esm/ ES modules for bundlers, file by file; in dist/cjs/ the same for Node; single files.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist
npx --no-install tsc -p tsconfig.build.json &
npx --no-install tsc -p tsconfig.cjs.json
wait $!

# Each build has the platform it is for. A conditional import of package.json would stop some bundlers.
for build in dist/esm:browser-stores dist/cjs:node-stores; do
  folder=${build%:*} platform=${build#*:}
  sed -i.before "s,\(['\"]\)#platform\1,\1./stores/$platform.js\1," "$folder"/*.js
  sed -i.before "s,\(['\"]\)#platform\1,\1./$platform.js\1," "$folder"/stores/*.js
  rm "$folder"/*.before "$folder"/stores/*.before
done
if grep -rl '#platform' --include='*.js' --include='*.d.ts' dist; then
  echo 'Expected no file of the build to import #platform.' >&2
  exit 1
fi

printf '{ "type": "commonjs" }\n' > dist/cjs/package.json
npx --no-install tsx scripts/bundle.ts
# The source maps of the files that bundles have replaced.
rm dist/{esm,cjs}/report/charts.js.map
