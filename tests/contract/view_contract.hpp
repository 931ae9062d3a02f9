// The part of the store contract that is about views.
#pragma once

#include "tests/contract/journal_store_contract.hpp"

namespace welkin::test {

void run_view_contract(StoreFixture& fixture);

}  // namespace welkin::test
