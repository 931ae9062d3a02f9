# Packages, and the two functions every folder's CMakeLists.txt is made of.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CAF REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Catch2 2.13 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(TOMLPP REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(CLI11 REQUIRED IMPORTED_TARGET CLI11)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(welkin_flags INTERFACE)
target_compile_options(welkin_flags INTERFACE -Wall -Wextra -Wshadow -Wno-missing-field-initializers
  # GCC 12 takes an empty std::optional for an uninitialised one when it inlines deeply.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
if(WELKIN_WERROR)
  target_compile_options(welkin_flags INTERFACE -Werror)
endif()
if(WELKIN_SANITIZE)
  # CAF 0.17.6 reads through a null reference in init_fun_factory.hpp, so that one check stays off.
  # A finding ends the process, so that it fails the test.
  target_compile_options(welkin_flags INTERFACE -fsanitize=${WELKIN_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize=null -fno-sanitize-recover=all)
  # For the tests that take less time, or know what a sanitizer cannot see.
  target_compile_definitions(welkin_flags INTERFACE WELKIN_SANITIZED)
  if(WELKIN_SANITIZE STREQUAL "thread")
    target_compile_definitions(welkin_flags INTERFACE WELKIN_THREAD_SANITIZER)
  endif()
  target_link_options(welkin_flags INTERFACE -fsanitize=${WELKIN_SANITIZE})
endif()
if(WELKIN_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer is clang's: configure with the preset asan or fuzz")
  endif()
  # For what fuzz targets run alone: what guides the fuzzer, and libstdc++'s assertions, which CAF
  # 0.17.6 does not pass.
  add_library(welkin_fuzzed INTERFACE)
  target_compile_options(welkin_fuzzed INTERFACE -fsanitize=fuzzer-no-link -D_GLIBCXX_ASSERTIONS)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Without it no precompiled header is like another, and ccache never finds what was compiled with it.
  target_compile_options(welkin_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
find_program(MOLD mold)
if(MOLD)
  target_link_options(welkin_flags INTERFACE -fuse-ld=mold)
endif()

# Clang loads of a precompiled header what a source needs, so that these nearly halve its time in
# protocol/; gcc loads all of it and gains nothing.
foreach(header nlohmann/json.hpp chrono mutex optional set string variant vector)
  list(APPEND clang_precompiles $<$<CXX_COMPILER_ID:Clang>:<${header}$<ANGLE-R>>)
endforeach()

# welkin_library(NAME [FUZZED] SOURCES ... DEPENDS ... [PRECOMPILE header ...])
# A folder is a library is one target. Includes are written from the root ("protocol/ids.hpp"); the
# arrows between folders are the DEPENDS lists and are checked by tests/layering_test.py's rules.
# FUZZED: fuzz targets run it.
function(welkin_library name)
  cmake_parse_arguments(ARG "FUZZED" "" "SOURCES;DEPENDS;PRECOMPILE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE welkin_flags)
  if(ARG_FUZZED AND WELKIN_FUZZ)
    target_link_libraries(${name} PRIVATE welkin_fuzzed)
  endif()
  target_precompile_headers(${name} PRIVATE ${ARG_PRECOMPILE} ${clang_precompiles})
endfunction()

# welkin_program(NAME SOURCES ... DEPENDS ... [PRECOMPILE header ...])
function(welkin_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRECOMPILE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} welkin_flags)
  # Most of what one thread allocates here another frees, which glibc's allocator pays for dearly:
  # measured, a payment costs a third less CPU. Sanitizers bring their own allocator.
  if(NOT WELKIN_SANITIZE)
    target_link_libraries(${name} PRIVATE PkgConfig::JEMALLOC)
    target_link_options(${name} PRIVATE -Wl,--no-as-needed)
  endif()
  target_precompile_headers(${name} PRIVATE ${ARG_PRECOMPILE} ${clang_precompiles})
endfunction()
