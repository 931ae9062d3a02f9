// What time it is, as an interface.
#pragma once

#include "protocol/ids.hpp"

namespace welkin {

class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual UnixUs now_us() const = 0;
};

}  // namespace welkin
