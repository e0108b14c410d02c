# One place says which file may use which instructions: kernels/<family>/*_<isa>.c.
include(CheckCCompilerFlag)
function(grt_isa_sources target family macro isa flags)
  string(REPLACE " " ";" list "${flags}")
  check_c_compiler_flag("${flags}" GRT_CC_${macro})
  if(GRT_CC_${macro})
    file(GLOB files CONFIGURE_DEPENDS
         ${PROJECT_SOURCE_DIR}/src/kernels/${family}/*_${isa}.c)
    target_sources(${target} PRIVATE ${files})
    set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS "${list}")
    target_compile_definitions(${target} PUBLIC ${macro}=1)
  endif()
endfunction()
