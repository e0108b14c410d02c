# python.sh - sourced by ./test: the Python package with the frameworks that it serves, and its
# wheel in a fresh environment.

python_packages='python3-venv python3-pip ninja-build'

# Prints SKIP where the package index cannot be reached.
run_python() {
    tests=bindings/python/tests
    folder=$PWD/build-python
    [ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
    if ! "$folder/venv/bin/pip" install --quiet -r $tests/requirements.txt; then
        echo "SKIP the Python package with its frameworks: the package index cannot be reached"
        return 0
    fi
    rm -rf "$folder/dist" "$folder/fresh"
    tools/release/wheel.sh "$folder/dist" "$folder/venv/bin/python"
    "$folder/venv/bin/auditwheel" show "$folder"/dist/*.whl
    (cd bindings/python && "$folder/venv/bin/mypy" --config-file pyproject.toml)
    # In an environment of its own, away from the sources, three lines rank.
    python3 -m venv "$folder/fresh"
    "$folder/fresh/bin/pip" install --quiet --no-index --no-deps "$folder"/dist/*.whl
    (cd / && "$folder/fresh/bin/python" -c 'import grating
model = grating.Model()
assert model.rank("how do owls hunt", ["Bread rises.", "Owls hunt at night."])[0].index == 1' &&
        "$folder/fresh/bin/grating" --version)
    "$folder/fresh/bin/python" $tests/test_package.py
    "$folder/venv/bin/pip" install --quiet --no-index --no-deps --force-reinstall "$folder"/dist/*.whl
    "$folder/venv/bin/python" $tests/test_package.py
    "$folder/venv/bin/python" $tests/test_frameworks.py
    "$folder/venv/bin/python" $tests/test_notebook.py
}
