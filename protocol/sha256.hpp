// SHA-256 in pieces, through OpenSSL, which uses the processor's own instructions.
#pragma once

#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

// One hash at a time a thread: `start`, any number of `add`, `finish`. The context lives as long as
// its thread, because making and fetching one costs more than hashing a journal row.
class Sha256 {
 public:
  static Sha256& start();
  void add(std::string_view bytes);
  Hash finish();

 private:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void* context_;
};

}  // namespace welkin
