# What `cmake --install` puts where.
install(TARGETS grating EXPORT gratingTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET grating_command)
  install(TARGETS grating_command DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/grating/models)
file(GLOB GRT_MAN_PAGES CONFIGURE_DEPENDS docs/man/*.1)
install(FILES ${GRT_MAN_PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# A static library needs its own libraries at every link.
if(BUILD_SHARED_LIBS)
  set(GRT_PC_REQUIRES Requires.private)
else()
  set(GRT_PC_REQUIRES Requires)
  set(GRT_PC_LIBS " -lm -pthread")
endif()
configure_file(cmake/grating.pc.in grating.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/grating.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
