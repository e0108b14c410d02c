# grt_fake_command: the files of the command but for main.c, with a fake library.  Of tests and
# of fuzz targets: whoever comes first makes it.  Link grt_wire beside it.
include_guard(GLOBAL)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*/*.c)
list(FILTER sources EXCLUDE REGEX "/frame/(process|main).c$") # the fake says what is resident
# What the fake does not make up, and what that takes.
set(of_library api/result.c api/names.c api/structs.c rank/result.c base/error.c base/memory.c
  base/arena.c find/find.c find/hub.c find/ollama.c find/places.c)
list(TRANSFORM of_library PREPEND ${PROJECT_SOURCE_DIR}/src/)
add_library(grt_fake_command OBJECT ${sources} ${of_library} ${GRT_OS_SOURCES}
  ${CMAKE_CURRENT_LIST_DIR}/fake_grating.c)
target_include_directories(grt_fake_command PUBLIC ${PROJECT_SOURCE_DIR}/cli
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(grt_fake_command PRIVATE ${GRT_C_OPTIONS})
target_compile_definitions(grt_fake_command PRIVATE
  GRT_MODELS_DIR="/nonexistent/installed" GRT_SOURCE_MODELS_DIR="/nonexistent/source")
target_link_libraries(grt_fake_command PUBLIC PkgConfig::JANSSON Threads::Threads m)
if(SQLITE3_FOUND)
  target_link_libraries(grt_fake_command PUBLIC PkgConfig::SQLITE3)
  target_compile_definitions(grt_fake_command PUBLIC GRT_HAVE_SQLITE=1)
endif()
