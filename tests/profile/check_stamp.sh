#!/bin/sh
# tools/stamp_profile.py sums weights as the library does: the bundled profiles, which the library
# opens (other tests), come back as they are, and one without a sum gets the same.
# usage: check_stamp.sh SOURCE_DIR
set -eu
command -v python3 >/dev/null || { echo "SKIP: no python3"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for model in "$1"/models/*/; do
    profile=${model}grating.profile.safetensors
    [ -e "$profile" ] || continue
    cp "$profile" "$work/profile"
    python3 "$1/tools/stamp_profile.py" "$model" "$work/profile"
    cmp "$profile" "$work/profile"
    # "weights" under another name is no sum
    sed 's/"weights":{/"wEights":{/' "$profile" >"$work/profile"
    python3 "$1/tools/stamp_profile.py" "$model" "$work/profile"
    grep -q '"weights":{"dtype":"F32","shape":\[4\]' "$work/profile"
done
