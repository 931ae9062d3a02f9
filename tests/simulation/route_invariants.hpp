// What must hold of routes and their breakers; listed with the others in invariants.cpp.
#pragma once

#include "tests/simulation/invariants.hpp"

namespace welkin::simulation {

std::optional<Violation> no_fallback_after_doubt(const Findings& findings);
std::optional<Violation> breakers_survive(const Findings& findings);
std::optional<Violation> trips_have_cause(const Findings& findings);
std::optional<Violation> few_probes(const Findings& findings);

}  // namespace welkin::simulation
