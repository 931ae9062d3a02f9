// The one main of every test executable; Catch2 is slow to compile, so it is compiled here alone.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
