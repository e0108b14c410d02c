#!/bin/sh
# Builds the npm tarballs: grating (JavaScript and types) and @grating/PLATFORM (the addon, the
# shared libraries that it needs, and the bundled model).
#
# usage: npm.sh OUT BUILD_DIR
# BUILD_DIR was configured with -DGRT_NODE=ON, and built.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
build=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' bindings/node/package.json)
platform=$(node -p 'process.platform + "-" + process.arch')
os=${platform%%-*} cpu=${platform##*-}
package=$(mktemp -d)
trap 'rm -rf "$package"' EXIT
mkdir -p "$package/lib" "$package/share/grating/models"
cp "$build/node/grating.node" "$package/lib/"
strip --strip-unneeded "$package/lib/grating.node"
# Its libraries lie beside it (RPATH $ORIGIN), but for those of every system.
ldd "$package/lib/grating.node" | awk '$2 == "=>" {print $3}' |
    grep -E '/lib(jansson|pcre2-8|utf8proc)\.' | while read -r file; do
    cp -L "$file" "$package/lib/"
done
cp -r models/grating-small "$package/share/grating/models/"
cp LICENSE "$package/"
cat >"$package/package.json" <<END
{
  "name": "@grating/$platform",
  "version": "$version",
  "description": "The native part of grating for $platform",
  "license": "Apache-2.0",
  "os": ["$os"],
  "cpu": ["$cpu"],
  "files": ["lib", "share"]
}
END
(cd "$package" && npm pack --silent --pack-destination "$out")
(cd bindings/node && npm pack --silent --pack-destination "$out")
