#!/bin/sh
# Runs ./demo, ./test and make in a tree without sources, in every order: each must accept the
# build folder that another one configured, with whichever generator.
#
# usage: check_setup.sh SOURCE_DIR
set -eu
cd "$1"
if ! command -v ninja >/dev/null 2>&1 || ! command -v make >/dev/null 2>&1; then
    echo "SKIP: ninja and make are needed"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/tools/setup" "$folder/examples/demo"
cp demo test Makefile CMakePresets.json "$folder/"
cp tools/setup/configure.sh tools/setup/arm.sh tools/setup/fuzzing.sh tools/setup/clients.sh "$folder/tools/setup/"
cp examples/demo/passages.jsonl "$folder/examples/demo/"
cd "$folder"
# Nothing is installed and nothing is compiled.
echo 'need_packages() { :; }
build_packages=' >tools/setup/packages.sh
echo 'run_page() { :; }' >tools/setup/page.sh
echo 'run_release() { :; }' >tools/setup/release.sh
echo 'run_musl() { :; }' >tools/setup/musl.sh
echo 'run_mingw() { :; }' >tools/setup/mingw.sh
echo 'run_python() { :; }' >tools/setup/python.sh
echo 'run_node() { :; }' >tools/setup/node.sh
cat >CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.21)
project(tiny NONE)
enable_testing()
add_test(NAME tiny COMMAND true)
file(WRITE ${PROJECT_BINARY_DIR}/grating "#!/bin/sh\n")
execute_process(COMMAND chmod +x ${PROJECT_BINARY_DIR}/grating)
add_custom_target(grating_command)
foreach(folder os base io compute stream rank api serve)
  add_custom_target(tests_${folder})
endforeach()
CMAKE
unset CMAKE_GENERATOR MAKEFLAGS MAKELEVEL MFLAGS

# expect GENERATOR FOLDER COMMAND...: COMMAND succeeds, and FOLDER has that generator.
expect() {
    wanted=$1
    build=$2
    shift 2
    if ! "$@" >log 2>&1; then
        echo "$* fails on $build with $wanted:"
        cat log
        exit 1
    fi
    if ! grep -q "^CMAKE_GENERATOR:INTERNAL=$wanted\$" "$build/CMakeCache.txt"; then
        echo "$* leaves $build without $wanted"
        exit 1
    fi
}

make='Unix Makefiles'
expect "$make" build make build
expect "$make" build ./demo
expect "$make" build ./demo
expect "$make" build-asan make asan
expect "$make" build-dev cmake --preset dev
expect "$make" build-dev ./test --quick
expect "$make" build-asan ./test
make clean >log
expect Ninja build ./demo
expect Ninja build make build
expect Ninja build-asan ./test
expect Ninja build-dev ./test --quick
expect Ninja build-asan make asan
echo "demo, test and make share their build folders"
