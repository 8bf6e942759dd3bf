# How a folder of worker/ or target/ becomes a library with its tests, and the one place where the
# allowed arrows between them are kept.

include(locustpp_add_worker)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
if(NOT LOCUSTPP_PACKAGE)
  find_package(CLI11 REQUIRED)
endif()
find_package(OpenSSL REQUIRED)
find_package(msgpack-cxx CONFIG QUIET)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
if(LOCUSTPP_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# What everything needs that is compiled with the headers, users' own workers too. co_await between
# our own tasks is a tail call; GCC makes it one below -O2 only when told, and a loop that never
# suspends would else grow the stack.
set(locustpp_coroutine_options -foptimize-sibling-calls)
# clang 14 and 16 know C++20 coroutines but do not announce them to libstdc++ and Boost.
set(locustpp_clang_options -Wno-builtin-macro-redefined -Wno-macro-redefined)
set(locustpp_clang_definitions
  __cpp_impl_coroutine=201902L BOOST_ASIO_HAS_CO_AWAIT=1 BOOST_ASIO_HAS_STD_COROUTINE=1)

add_library(locustpp_flags INTERFACE)
target_compile_options(locustpp_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror ${locustpp_coroutine_options} -fno-plt)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in std::string's own code (GCC bugs 105329, 105651).
  target_compile_options(locustpp_flags INTERFACE -Wno-restrict)
endif()
target_compile_definitions(locustpp_flags INTERFACE LOCUSTPP_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(locustpp_flags INTERFACE ${locustpp_clang_options})
  target_compile_definitions(locustpp_flags INTERFACE ${locustpp_clang_definitions})
endif()
if(LOCUSTPP_FUZZ)
  # The libraries report which of their branches an input takes; only the programs have the fuzzer.
  target_compile_options(locustpp_flags INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
endif()
if(LOCUSTPP_SANITIZE)
  # -O0: the tests run in seconds all the same, and gmock's matchers take a third of the time to
  # compile that they take with -O1.
  target_compile_options(locustpp_flags INTERFACE
    -O0 -g -fsanitize=${LOCUSTPP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(locustpp_flags INTERFACE -fsanitize=${LOCUSTPP_SANITIZE})
  if(LOCUSTPP_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's fences, of which GCC says that its thread sanitizer cannot see them.
    target_compile_options(locustpp_flags INTERFACE -Wno-tsan)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(locustpp_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(locustpp_flags INTERFACE -fcf-protection)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    target_compile_options(locustpp_flags INTERFACE -mbranch-protection=standard)
  endif()
  target_link_options(locustpp_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # for the Python extension, and executables that move

set_property(GLOBAL PROPERTY locustpp_arrows "")
# Everything that the label "unit" runs, and nothing else.
add_custom_target(unit_tests)

# locustpp_module(NAME [USES module...] [LINKS library...] [TEST_LINKS library...] [EXCEPT file...])
# All *.cpp of the folder become the library NAME, its *_test.cpp the program NAME_test (label
# "unit"), and each *_fuzz.cpp a libFuzzer program in a fuzz build. USES are the modules whose
# headers it may include: the test "include_directions" compares them with the real #includes.
function(locustpp_module name)
  cmake_parse_arguments(arg "" "" "USES;LINKS;TEST_LINKS;EXCEPT" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(arg_EXCEPT)
    list(REMOVE_ITEM sources ${arg_EXCEPT})
  endif()
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$|/main\\.cpp$")
  set_property(GLOBAL APPEND PROPERTY locustpp_arrows "${name}:${arg_USES}")

  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/worker>)
    target_link_libraries(${name} PUBLIC ${arg_USES} ${arg_LINKS}
      PRIVATE $<BUILD_INTERFACE:locustpp_flags>)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/worker>)
    target_link_libraries(${name} INTERFACE ${arg_USES} ${arg_LINKS})
  endif()
  # By the name that it has where it is installed.
  add_library(locustpp::${name} ALIAS ${name})

  if(tests AND LOCUSTPP_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${arg_TEST_LINKS} locustpp_flags
      GTest::gmock GTest::gtest_main)
    add_dependencies(unit_tests ${name}_test)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
      PROPERTIES LABELS unit TIMEOUT 120)
  endif()
  if(LOCUSTPP_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(program ${fuzzer} NAME_WE)
      add_executable(${program} ${fuzzer})
      target_compile_options(${program} PRIVATE -fsanitize=fuzzer,address,undefined)
      target_link_options(${program} PRIVATE -fsanitize=fuzzer,address,undefined)
      target_link_libraries(${program} PRIVATE ${name} locustpp_flags)
    endforeach()
  endif()
endfunction()

# The ctest that holds the design's arrows: which folder may include which, and which library may
# be named where.
function(locustpp_check_includes)
  get_property(arrows GLOBAL PROPERTY locustpp_arrows)
  list(JOIN arrows "\n" text)
  file(WRITE ${CMAKE_BINARY_DIR}/arrows.txt "${text}\n")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME include_directions
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/check_includes.py
            ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/arrows.txt)
  add_test(NAME check_includes
    COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/cmake/check_includes_test.py)
  set_tests_properties(include_directions check_includes PROPERTIES LABELS unit)
endfunction()
