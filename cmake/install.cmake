# What `make install` puts where: program, library, header, pkg-config and CMake files, and what the
# program itself writes: its man page and shell completions.
include(CMakePackageConfigHelpers)

install(TARGETS headwise_shared EXPORT headwise
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS headwise_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/headwise.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_file(cmake/headwise.pc.in headwise.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/headwise.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(HEADWISE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/headwise)
install(EXPORT headwise FILE headwiseTargets.cmake NAMESPACE headwise::
    DESTINATION ${HEADWISE_CMAKE_DIR})
configure_package_config_file(cmake/headwiseConfig.cmake.in headwiseConfig.cmake
    INSTALL_DESTINATION ${HEADWISE_CMAKE_DIR})
write_basic_package_version_file(headwiseConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/headwiseConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/headwiseConfigVersion.cmake
    DESTINATION ${HEADWISE_CMAKE_DIR})

# A file that the program writes to its standard output.
function(headwise_written_file name destination)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/share/${name})
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/share
        COMMAND headwise ${ARGN} > ${output}
        DEPENDS headwise
        VERBATIM)
    set_property(GLOBAL APPEND PROPERTY HEADWISE_WRITTEN_FILES ${output})
    install(FILES ${output} DESTINATION ${destination})
endfunction()

install(TARGETS headwise RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
    headwise_written_file(headwise.1 ${CMAKE_INSTALL_MANDIR}/man1 manual)
    headwise_written_file(headwise ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        completion bash)
    headwise_written_file(_headwise ${CMAKE_INSTALL_DATADIR}/zsh/site-functions completion zsh)
    headwise_written_file(headwise.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        completion fish)
    get_property(written GLOBAL PROPERTY HEADWISE_WRITTEN_FILES)
    add_custom_target(headwise_written ALL DEPENDS ${written})
endif()
