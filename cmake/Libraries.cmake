# grt_find_libraries() - the libraries that grating stands on, as PkgConfig::JANSSON, ::PCRE2 and
# ::UTF8PROC; what is missing is named at once, with the lines that install all of it.
macro(grt_find_library name module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(NOT ${name}_FOUND)
    list(APPEND grt_missing ${module})
  endif()
endmacro()

macro(grt_find_libraries)
  set(grt_missing)
  find_package(PkgConfig QUIET)
  if(NOT PKG_CONFIG_FOUND)
    list(APPEND grt_missing pkg-config)
  endif()
  grt_find_library(JANSSON jansson>=2.12)
  grt_find_library(PCRE2 libpcre2-8>=10.32)
  grt_find_library(UTF8PROC libutf8proc>=2.5)
  if(grt_missing)
    string(REPLACE ";" ", " grt_missing "${grt_missing}")
    message(FATAL_ERROR "grating: not found: ${grt_missing}\n"
      "  Debian, Ubuntu: apt install pkg-config libjansson-dev libpcre2-dev libutf8proc-dev\n"
      "  Fedora: dnf install pkgconf-pkg-config jansson-devel pcre2-devel utf8proc-devel\n"
      "  macOS: brew install pkgconf jansson pcre2 utf8proc\n"
      "In other places PKG_CONFIG_PATH tells pkg-config where to look.")
  endif()
endmacro()
