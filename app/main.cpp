// `welkin`, the one executable.
#include "app/commands.hpp"

int main(int argc, char** argv) { return welkin::run_welkin(argc, argv); }
