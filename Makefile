# Thin shortcuts; CMake and ./test do the work.
.PHONY: help build test quick asan tsan arm fuzz bench demo format install uninstall clean

help:
	@echo "make build    release build in build/ (command: build/grating)"
	@echo "make demo     rank real passages with the bundled model"
	@echo "make test     all tests          make quick   gcc build only"
	@echo "make asan     with ASan + UBSan  make tsan    with ThreadSanitizer"
	@echo "make arm      kernels and models for 64-bit Arm, under qemu"
	@echo "make fuzz     every fuzz target for 60 s (./fuzz: and what is reached)"
	@echo "make bench    matrix multiplication against OpenBLAS"
	@echo "make format   clang-format all C files"
	@echo "make install  the release build, under PREFIX or /usr/local; make uninstall"
	@echo "make clean    remove all build folders"

build:
	cmake --preset release && cmake --build --preset release

demo:
	./demo

test:
	./test

quick:
	./test --quick

asan:
	cmake --preset asan && cmake --build --preset asan && ctest --preset asan

tsan:
	./test tsan

arm:
	./test arm

fuzz:
	./test fuzz

bench:
	cmake --preset release -DGRT_BENCH=ON && cmake --build --preset release
	build/bench/bench_gemm

format:
	find include src wire cli tests fuzz bench duvisor -name '*.[ch]' | xargs clang-format -i

install: build
	cmake --install build $(if $(PREFIX),--prefix $(PREFIX))

uninstall:
	cmake --build build --target uninstall

clean:
	rm -rf build build-dev build-asan build-tsan build-arm build-fuzz build-shared build-clang \
	    build-musl build-mingw build-posix
