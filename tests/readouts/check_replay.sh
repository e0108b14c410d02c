#!/bin/sh
# check_replay.sh SOURCE_DIR - check_replay.py by a python3 that has numpy.
for python in python3 /usr/bin/python3; do
    "$python" -c 'import numpy' 2>/dev/null &&
        exec "$python" "$1/tests/readouts/check_replay.py" "$1"
done
echo "SKIP: python3 with numpy is needed"
