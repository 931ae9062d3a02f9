// The way to pay that an order means when it names none.
#pragma once

#include <string_view>

namespace welkin {

// By the kind of the channel's accounts, which is the channel's own name unless they were
// configured to serve another. Empty: the channel has no ways of its own, or chooses for itself.
std::string_view default_method_of(std::string_view kind);

}  // namespace welkin
