// What must hold of routes, of their breakers and of what was asked through them; listed with the
// others in invariants.cpp.
#pragma once

#include "tests/simulation/invariants.hpp"

namespace welkin::simulation {

std::optional<Violation> no_fallback_after_doubt(const Findings& findings);
std::optional<Violation> breakers_survive(const Findings& findings);
std::optional<Violation> orders_are_durable(const Findings& findings);
std::optional<Violation> forced_open_refuses(const Findings& findings);
std::optional<Violation> trips_have_cause(const Findings& findings);
std::optional<Violation> few_probes(const Findings& findings);
std::optional<Violation> calls_say_what_was_ordered(const Findings& findings);

}  // namespace welkin::simulation
