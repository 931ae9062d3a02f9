// The memory store under the common contract.
#include "persistence/memory/memory_store.hpp"

#include "tests/contract/journal_store_contract.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

class MemoryFixture final : public StoreFixture {
 public:
  std::unique_ptr<JournalStore> open() override {
    return must_open(open_memory_store({"memory:"}));
  }
  bool durable() const override { return false; }
};

}  // namespace

TEST_CASE("the memory store keeps the contract") {
  MemoryFixture fixture;
  run_journal_store_contract(fixture);
}

TEST_CASE("a memory journal cannot be opened for reading only") {
  CHECK(error_of(open_memory_store({"memory:", true})) != nullptr);
}
