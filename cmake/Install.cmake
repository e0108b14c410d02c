# What `cmake --install` puts where; no path of the configured prefix is written down, so
# `--prefix` and moving the folder work.
include(CMakePackageConfigHelpers)
set(GRT_IS_STATIC ON)
if(BUILD_SHARED_LIBS)
  set(GRT_IS_STATIC OFF)
endif()
set(GRT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/grating)
install(TARGETS grating EXPORT gratingTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT gratingTargets NAMESPACE grating:: DESTINATION ${GRT_CMAKE_DIR})
configure_package_config_file(cmake/gratingConfig.cmake.in
  ${PROJECT_BINARY_DIR}/gratingConfig.cmake INSTALL_DESTINATION ${GRT_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gratingConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gratingConfig.cmake
  ${PROJECT_BINARY_DIR}/gratingConfigVersion.cmake DESTINATION ${GRT_CMAKE_DIR})

if(TARGET grating_command)
  # The command finds a shared library from where it stands itself.
  if(BUILD_SHARED_LIBS AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH way "/p/${CMAKE_INSTALL_BINDIR}" "/p/${CMAKE_INSTALL_LIBDIR}")
    if(APPLE)
      set_target_properties(grating_command PROPERTIES INSTALL_RPATH "@loader_path/${way}")
    else()
      set_target_properties(grating_command PROPERTIES INSTALL_RPATH "\$ORIGIN/${way}")
    endif()
  endif()
  install(TARGETS grating_command DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/grating/models
    PATTERN "*.samples" EXCLUDE
    PATTERN "grating-mini" EXCLUDE) # tests use it
  file(GLOB GRT_MAN_PAGES CONFIGURE_DEPENDS docs/man/*.1)
  install(FILES ${GRT_MAN_PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# pkg-config knows where its file is.
set(GRT_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH way "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
  string(REGEX REPLACE "/$" "" way "${way}")
  set(GRT_PC_PREFIX "\${pcfiledir}/${way}")
endif()
foreach(folder LIBDIR INCLUDEDIR)
  set(GRT_PC_${folder} ${CMAKE_INSTALL_${folder}})
  if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
    set(GRT_PC_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
  endif()
endforeach()
if(GRT_IS_STATIC)
  set(GRT_PC_REQUIRES Requires)
  set(GRT_PC_LIBS " -lm -pthread")
  if(CMAKE_DL_LIBS)
    string(APPEND GRT_PC_LIBS " -l${CMAKE_DL_LIBS}")
  endif()
else()
  set(GRT_PC_REQUIRES Requires.private)
endif()
configure_file(cmake/grating.pc.in grating.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/grating.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(GRT_IS_MAIN)
  configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
  add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -P ${PROJECT_BINARY_DIR}/uninstall.cmake)
endif()
