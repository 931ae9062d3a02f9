#!/usr/bin/env bash
# Installs the pinned packages of package-lock.json in DIRECTORY, once until the lock changes.
# Usage: install.sh DIRECTORY
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
mkdir -p "$1"
cd "$1"
[[ -d node_modules ]] && cmp -s "$here/package-lock.json" installed-lock.json && exit 0
rm -f installed-lock.json
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" .
# Its own cache, so that it writes nothing outside the build.
npm ci --cache "$PWD/npm-cache" --no-update-notifier
cp package-lock.json installed-lock.json
