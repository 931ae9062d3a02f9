// The HTML that a person sees: the orders that wait, and one order's page to pay or decline it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/order_book.hpp"

namespace welkin::sandbox {

std::string pending_orders_page(const std::vector<OrderFacts>& orders);
std::string order_page(const OrderFacts& order);
std::string notice_page(std::string_view title, std::string_view text);

}  // namespace welkin::sandbox
