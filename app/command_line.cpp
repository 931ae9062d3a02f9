// The command line as a whole: which subcommands there are, and what usage errors exit with.
#include <CLI/CLI.hpp>

#include "app/commands.hpp"
#include "app/exit_codes.hpp"

namespace welkin {

int run_welkin(int argc, char** argv) {
  CLI::App app("Welkin: an actor-model payment runtime");
  app.set_version_flag("--version", std::string("welkin ") + WELKIN_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit codes: 0 fine, 1 something found wrong, 2 usage or configuration, 3 the store cannot "
      "be opened.");
  int exit_code = exit_fine;
  add_serve(app, exit_code);
  add_sandbox(app, exit_code);
  add_journal(app, exit_code);
  add_bench(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 prints the help or what is wrong; its own codes say no more than that.
    return app.exit(error) == 0 ? exit_fine : exit_usage;
  }
  return exit_code;
}

}  // namespace welkin
