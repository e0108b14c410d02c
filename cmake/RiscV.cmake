# A compiler for the programs that run on the machine of duvisor/: clang with lld, else one of
# the usual cross compilers.  Sets DV_RISCV_CC (a list: program and target), or leaves it empty.
#
# clang 14 does not know "zicsr" in -march, and gcc 12 wants it.
set(dv_flags -mabi=lp64 -mcmodel=medany -mno-relax -ffreestanding -fno-pic -fno-stack-protector
    -fno-common -nostdlib -static -O2 -std=gnu11)

function(dv_try_riscv result)
  set(probe ${CMAKE_BINARY_DIR}/riscv-probe.c)
  file(WRITE ${probe} "void _start(void) { __asm__ volatile(\"csrr a0, mhartid\"); }\n")
  foreach(march rv64imac_zicsr_zifencei rv64imac)
    execute_process(COMMAND ${ARGN} -march=${march} ${dv_flags} ${probe} -o ${probe}.elf
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      set(${result} ${ARGN} -march=${march} ${dv_flags} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

if(NOT DV_RISCV_CC)
  set(DV_RISCV_CC "")
  find_program(DV_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
  if(DV_CLANG)
    dv_try_riscv(DV_RISCV_CC ${DV_CLANG} --target=riscv64 -fuse-ld=lld)
  endif()
  foreach(name riscv64-linux-gnu-gcc riscv64-unknown-elf-gcc)
    find_program(DV_${name} ${name})
    if(NOT DV_RISCV_CC AND DV_${name})
      dv_try_riscv(DV_RISCV_CC ${DV_${name}})
    endif()
  endforeach()
  set(DV_RISCV_CC "${DV_RISCV_CC}" CACHE STRING "compiler and flags for RISC-V programs" FORCE)
endif()

set(dv_warnings -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes)
if(GRT_DEV)
  list(APPEND dv_warnings -Werror)
endif()

# dv_program(NAME SOURCE...): builds NAME.elf in the present binary folder, with the files of
# rv/ that a program stands on.
function(dv_program name)
  set(rv ${PROJECT_SOURCE_DIR}/duvisor/rv)
  set(sources ${rv}/start.S ${rv}/program.c ${rv}/test.c)
  foreach(path ${ARGN})
    get_filename_component(path ${path} ABSOLUTE)
    list(APPEND sources ${path})
  endforeach()
  file(GLOB headers CONFIGURE_DEPENDS ${rv}/*.h ${rv}/*.inc ${rv}/*.ld
    ${PROJECT_SOURCE_DIR}/duvisor/tests/*/*.h)
  set(elf ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${DV_RISCV_CC} ${dv_warnings} -I${PROJECT_SOURCE_DIR}/duvisor
      -Wl,--build-id=none -T ${rv}/program.ld ${sources} -o ${elf}
    DEPENDS ${sources} ${headers} VERBATIM COMMENT "Building RISC-V program ${name}.elf")
  set_property(GLOBAL APPEND PROPERTY DV_PROGRAMS ${elf})
endfunction()
