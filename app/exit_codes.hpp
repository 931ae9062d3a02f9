// What a subcommand's exit code says.
#pragma once

namespace welkin {

constexpr int exit_fine = 0;
constexpr int exit_found_wrong = 1;  // it ran, and what it looked at is wrong or not there
constexpr int exit_usage = 2;        // the command line or the configuration
constexpr int exit_store = 3;        // the store cannot be opened or read, or is another node's
constexpr int exit_node_ended = 4;   // it had to stop: fenced, or a part of it had failed

}  // namespace welkin
