# The warnings of our own builds (GRT_DEV=ON makes them errors; users' builds never fail).
set(GRT_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wcast-qual -Wpointer-arith -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes
    -Wmissing-declarations -Wold-style-definition -Wundef -Wvla -Wformat=2
    -Wdouble-promotion -Wfloat-conversion -Wimplicit-fallthrough -Wswitch-enum
    -Wredundant-decls -Wnull-dereference -Wdate-time)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND GRT_WARNINGS -Wlogical-op -Wduplicated-cond -Wjump-misses-init -Walloca)
else()
  list(APPEND GRT_WARNINGS -Wcomma -Wshorten-64-to-32 -Wconditional-uninitialized
       -Wunreachable-code)
endif()
if(MINGW) # isnan() and isfinite() of its math.h convert in branches that are not taken
  list(APPEND GRT_WARNINGS -Wno-float-conversion)
endif()
