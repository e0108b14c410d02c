# Builds for 64-bit Arm with Debian's gcc-aarch64-linux-gnu; tests run under qemu-user.  The
# libraries are those that `./test arm` fetches or, without them, the system's own for arm64
# (dpkg --add-architecture arm64).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

get_filename_component(libraries ${CMAKE_CURRENT_LIST_DIR}/../build-arm/libraries ABSOLUTE)
if(IS_DIRECTORY ${libraries})
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${libraries})
  set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/usr/lib/aarch64-linux-gnu/pkgconfig)
else()
  set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
endif()
