// The JSON that merchants and operators are answered with. Written by hand rather than through a
// tree, because it is on the path of every payment. openapi_schemas.cpp describes the same.
#pragma once

#include <string>

#include "actors/payment_service.hpp"
#include "protocol/json_text.hpp"

namespace welkin {

void append_payment(std::string& out, const PaymentView& view);
void append_refund(std::string& out, const PaymentView& view, const Refund& refund);
void append_event(std::string& out, const EventView& event);
void append_parked(std::string& out, const ParkedEntity& entity);
void append_breaker(std::string& out, const BreakerView& breaker);

// {"items":[…],"next_cursor":…}; the cursor is null on the last page and where there are no pages.
template <class Items, class AppendItem>
std::string list_json(const Items& items, const std::string& next_cursor, AppendItem append_item) {
  std::string out = R"({"items":[)";
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.push_back(',');
    first = false;
    append_item(out, item);
  }
  out.append(R"(],"next_cursor":)");
  if (next_cursor.empty()) {
    out.append("null");
  } else {
    append_json_string(out, next_cursor);
  }
  out.push_back('}');
  return out;
}

}  // namespace welkin
