# Checks of our own sources, and of the header, as tests; once, not for each sanitizer.
set(tools ${PROJECT_SOURCE_DIR}/tools)
find_program(PYTHON3 python3)
if(GRT_DEV AND PYTHON3 AND NOT GRT_SANITIZE)
  add_test(NAME checks.layers
    COMMAND ${PYTHON3} ${tools}/check_layers.py ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.rows
    COMMAND ${PYTHON3} ${tools}/check_rows.py ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.source
    COMMAND ${PYTHON3} ${tools}/check_source.py ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.links
    COMMAND ${PYTHON3} ${tools}/check_links.py ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.keys COMMAND ${PYTHON3} ${tools}/make_key_tables.py --check)
  add_test(NAME checks.python_abi
    COMMAND ${PYTHON3} ${tools}/make_python_abi.py --check ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.format COMMAND sh ${tools}/check_format.sh ${PROJECT_SOURCE_DIR})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|^(aarch64|arm64)$")
    add_test(NAME checks.isa_objects COMMAND sh ${tools}/check_isa_objects.sh
      ${PROJECT_BINARY_DIR}/CMakeFiles/grt_core.dir ${CMAKE_NM})
  endif()
  add_test(NAME checks.symbols
    COMMAND sh ${tools}/check_symbols.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE:grating>)
  add_test(NAME checks.version
    COMMAND sh ${tools}/check_version.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  add_test(NAME checks.setup COMMAND sh ${tools}/check_setup.sh ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.checks COMMAND sh ${tools}/check_checks.sh ${PROJECT_SOURCE_DIR})
  add_test(NAME checks.install
    COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/install/check_install.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set(docs ${CMAKE_CURRENT_LIST_DIR}/docs)
  add_test(NAME docs.commands
    COMMAND ${PYTHON3} ${docs}/check_docs.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  add_test(NAME docs.messages COMMAND ${PYTHON3} ${docs}/check_messages.py ${PROJECT_SOURCE_DIR})
  add_test(NAME docs.checks
    COMMAND sh ${docs}/check_checks.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set_tests_properties(docs.commands docs.checks PROPERTIES TIMEOUT 300)
  set_tests_properties(checks.format checks.setup PROPERTIES SKIP_REGULAR_EXPRESSION "^SKIP")
endif()

# grating.h in C99 and C++11, alone.
add_executable(header_c ${CMAKE_CURRENT_LIST_DIR}/header/header_c.c)
set_target_properties(header_c PROPERTIES C_STANDARD 99)
set(headers header_c)
include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
  enable_language(CXX)
  add_executable(header_cxx ${CMAKE_CURRENT_LIST_DIR}/header/header_cxx.cpp)
  set_target_properties(header_cxx PROPERTIES CXX_STANDARD 11 CXX_EXTENSIONS OFF)
  list(APPEND headers header_cxx)
  # grating.hpp, with exceptions and without.
  foreach(target wrapper wrapper_noexcept)
    add_executable(${target} ${CMAKE_CURRENT_LIST_DIR}/header/wrapper.cpp)
    set_target_properties(${target} PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE grating)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror)
    add_test(NAME header.${target} COMMAND ${target} ${PROJECT_SOURCE_DIR}/models/grating-mini)
  endforeach()
  target_compile_options(wrapper_noexcept PRIVATE -fno-exceptions)
endif()
foreach(target ${headers})
  target_link_libraries(${target} PRIVATE grating)
  target_compile_options(${target} PRIVATE -Wall -Wextra -pedantic -Werror)
  add_test(NAME header.${target} COMMAND ${target})
endforeach()

# The same through ctypes: offsets that a C program confirms, and a ranking.
if(PYTHON3 AND NOT CMAKE_CROSSCOMPILING)
  set(ffi ${CMAKE_CURRENT_LIST_DIR}/header/test_ffi.py ${PROJECT_SOURCE_DIR}/include/grating.h
    ${CMAKE_C_COMPILER})
  if(NOT GRT_SANITIZE) # Python could not load it
    add_library(grating_ffi MODULE $<TARGET_OBJECTS:grt_core>)
    target_link_libraries(grating_ffi PRIVATE PkgConfig::JANSSON PkgConfig::PCRE2
      PkgConfig::UTF8PROC Threads::Threads m)
    set_target_properties(grating_ffi PROPERTIES LINKER_LANGUAGE C)
    list(APPEND ffi $<TARGET_FILE:grating_ffi> ${PROJECT_SOURCE_DIR}/models/grating-mini)
  endif()
  add_test(NAME header.ffi COMMAND ${PYTHON3} ${ffi})
  if(NOT GRT_SANITIZE)
    set(python ${PROJECT_SOURCE_DIR}/bindings/python)
    add_test(NAME python.package COMMAND ${PYTHON3} ${python}/tests/test_package.py)
    set_tests_properties(python.package PROPERTIES TIMEOUT 300 ENVIRONMENT
      "GRATING_LIBRARY=$<TARGET_FILE:grating_ffi>;PYTHONPATH=${python}/src;PYTHONDONTWRITEBYTECODE=1")
  endif()
endif()
