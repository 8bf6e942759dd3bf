# The Debian packages that `cpack` makes of a release build: locustpp and locustpp-dev.
set(LOCUSTPP_MAINTAINER "locustpp contributors <contributors@locustpp.invalid>" CACHE STRING
  "Who answers for the Debian packages: NAME <ADDRESS>")
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(GZIP gzip)
if(NOT DPKG_SHLIBDEPS OR NOT GZIP)
  return()  # not Debian
endif()

# ---- what Debian wants beside the files: licence, changelogs, compressed manuals ----

set(debian ${CMAKE_CURRENT_BINARY_DIR}/debian)
file(STRINGS ${CMAKE_SOURCE_DIR}/LICENSE licence_lines)
set(licence "")
foreach(line IN LISTS licence_lines)
  if(line MATCHES "^Copyright")
    string(REGEX REPLACE "^Copyright \\(c\\) " "" copyright "${line}")
  elseif(line STREQUAL "")
    string(APPEND licence " .\n")
  elseif(NOT line STREQUAL "MIT License")
    string(APPEND licence " ${line}\n")
  endif()
endforeach()
string(REGEX REPLACE "^( \\.\n)+" "" licence "${licence}")
file(WRITE ${debian}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: locustpp

Files: *
Copyright: ${copyright}
License: Expat
Comment: What is compiled in from other projects is listed in THIRD_PARTY.md beside this file.

License: Expat
${licence}")
# The time of the source, where SOURCE_DATE_EPOCH says it.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${debian}/changelog.Debian "locustpp (${PROJECT_VERSION}-1) unstable; urgency=medium

  * Release ${PROJECT_VERSION}: see changelog.gz.

 -- ${LOCUSTPP_MAINTAINER}  ${now}
")
configure_file(${CMAKE_SOURCE_DIR}/CHANGELOG.md ${debian}/changelog COPYONLY)
execute_process(COMMAND ${GZIP} -9nfk ${debian}/changelog ${debian}/changelog.Debian
  COMMAND_ERROR_IS_FATAL ANY)
foreach(component runtime dev)
  set(package locustpp)
  if(component STREQUAL "dev")
    set(package locustpp-dev)
  endif()
  install(FILES ${debian}/copyright ${debian}/changelog.gz ${debian}/changelog.Debian.gz
    ${CMAKE_SOURCE_DIR}/THIRD_PARTY.md
    DESTINATION ${documents}/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
install(DIRECTORY example DESTINATION ${documents}/locustpp-dev/examples COMPONENT dev)

# ---- the packages ----

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME locustpp)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "native workers for a stock Locust master")
set(CPACK_PACKAGE_CONTACT ${LOCUSTPP_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME locustpp)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION web)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS python3)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "locust-worker joins a Locust master as its own Python workers do and puts on
 many times their load with each core. hello-target is a small HTTP service
 that takes the load.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME locustpp-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "cmake, make | ninja-build, g++, pkg-config, libboost-dev (>= 1.74), libbrotli-dev, libc-ares-dev, libcli11-dev, "
  "libfmt-dev, libpsl-dev, libre2-dev, libspdlog-dev, libssl-dev, libtomlplusplus-dev, "
  "libzmq3-dev, libzstd-dev, nlohmann-json3-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS locustpp)
set(CPACK_DEBIAN_DEV_DESCRIPTION "Headers, static libraries and the CMake package locustpp, whose function
 locustpp_add_worker makes a worker of user classes written in C++.")
include(CPack)
