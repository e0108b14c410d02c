# configure.sh - sourced by ./demo and ./test: configuring a build folder.

# configure_in FOLDER ARGUMENT...: runs cmake for FOLDER, with Ninja when the folder is new; one
# that was configured otherwise (make build, the README's lines) keeps its generator.
configure_in() {
    build_folder=$1
    shift
    [ -f "$build_folder/CMakeCache.txt" ] || set -- "$@" -G Ninja
    cmake "$@" -B "$build_folder"
}
