// The subcommands of `welkin`: each adds itself to the command line and sets the exit code when it
// is the one that was asked for.
#pragma once

namespace CLI {
class App;
}

namespace welkin {

void add_serve(CLI::App& app, int& exit_code);
void add_sandbox(CLI::App& app, int& exit_code);
void add_journal(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);

// The whole program, so that a test can run it in process.
int run_welkin(int argc, char** argv);

}  // namespace welkin
