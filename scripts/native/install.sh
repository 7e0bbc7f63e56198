#!/usr/bin/env bash
# Installs @tensorflow/tfjs-node as npm does. If its download site cannot be reached, builds its native part from the
# sources in its npm package and the library in TensorFlow's wheel from PyPI.
# Also installs the JavaScript of @tensorflow/tfjs-node-gpu, on the same native part: its own one needs CUDA.
# `npm ci` removes both again. Exits with 3 if they cannot be installed, after saying what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

package=@tensorflow/tfjs-node
# All TensorFlow.js packages must have the same version.
version=$(node -p "require('@tensorflow/tfjs/package.json').version")
# The latest release whose wheel is known to contain everything. Its C interface is that of older releases.
wheel=tensorflow-cpu==2.21.0
folder=node_modules/$package
gpu_folder=$folder-gpu
# The version of N-API, which does not depend on the version of Node.
napi=8

say() { printf 'native backend: %s\n' "$*"; }
missing() {
  say "not available: $*"
  exit 3
}
works() {
  [ -d "$folder" ] && [ -d "$gpu_folder" ] || return 1
  for part in deps lib; do
    [ -e "$gpu_folder/$part" ] || ln -s "../tfjs-node/$part" "$gpu_folder/$part"
  done
  TF_CPP_MIN_LOG_LEVEL=2 npx --no-install tsx scripts/native/check.ts
}

if works 2> /dev/null; then exit 0; fi

say "installing $package@$version"
npm install --no-save --save-dev --ignore-scripts --no-audit --no-fund \
  "$package@$version" "$package-gpu@$version" node-api-headers@1.9.0 ||
  missing "npm could not install $package@$version."

# `npm install` without --ignore-scripts would have run this.
if npm rebuild --foreground-scripts "$package" > "$folder/install.log" 2>&1 && works 2> /dev/null; then exit 0; fi
say "npm could not install its native part ($folder/install.log); building that with the library of $wheel"

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || missing "the wheel needs Linux on x86_64, this is $(uname -sm)."
command -v g++ > /dev/null || missing 'install a C++ compiler; on Debian: apt-get install g++'
command -v python3 > /dev/null || missing 'install Python, which downloads the wheel; on Debian: apt-get install python3-pip'
python3 -m pip --version > /dev/null 2>&1 || missing 'install pip; on Debian: apt-get install python3-pip'

download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
# The wheel may be for another Python version: its Python code is not run.
python3 -m pip download --quiet --no-deps --dest "$download" \
  --only-binary :all: --implementation cp --python-version 3.11 --platform manylinux_2_27_x86_64 "$wheel" ||
  missing "pip could not download $wheel; it needs PyPI."

rm -rf "$folder/deps"
mkdir -p "$folder/deps/lib" "$folder/lib/napi-v$napi"
python3 scripts/native/unpack-wheel.py "$download"/*.whl "$folder/deps"

say 'compiling the addon'
g++ -shared -fPIC -O2 -std=c++17 -DNAPI_VERSION=$napi -DBUILDING_NODE_EXTENSION \
  -I node_modules/node-api-headers/include -I "$folder/deps/include" -I "$folder" \
  "$folder"/binding/*.cc -o "$folder/lib/napi-v$napi/tfjs_binding.node" \
  -L "$folder/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 \
  '-Wl,-rpath,$ORIGIN/../../deps/lib' || missing 'the addon did not compile.'
works || missing 'the addon was built, but does not work.'
