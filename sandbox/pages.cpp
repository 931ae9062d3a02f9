// See the header.
#include "sandbox/pages.hpp"

#include "protocol/channels/form.hpp"

namespace welkin::sandbox {
namespace {

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Welkin sandbox</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}
td,th{padding:.4rem .6rem;border-bottom:1px solid #ddd;text-align:left}
td.amount{text-align:right;font-variant-numeric:tabular-nums}form{display:inline}
button{font:inherit;padding:.2rem .8rem}code{font-size:90%}
</style></head><body>
<h1>Welkin sandbox</h1>
)";
constexpr std::string_view foot = "</body></html>\n";

std::string button(const OrderFacts& facts, std::string_view action, std::string_view label) {
  return "<form method=\"post\" action=\"/orders/" + escape_html(facts.order.out_order_no) + "/" +
         std::string(action) + "\"><button>" + std::string(label) + "</button></form>";
}

std::string amount_of(const OrderFacts& facts) {
  return format_major(facts.order.amount_minor, facts.order.currency) + " " +
         std::string(facts.order.currency.code());
}

std::string buttons(const OrderFacts& facts) {
  return button(facts, "pay", "Pay") + " " + button(facts, "decline", "Decline");
}

}  // namespace

std::string pending_orders_page(const std::vector<OrderFacts>& orders) {
  std::string page(head);
  if (orders.empty()) page += "<p>No order waits for its payer.</p>\n";
  if (!orders.empty()) page += "<table><tr><th>Order<th>Channel<th>For<th>Amount<th></tr>\n";
  for (const OrderFacts& facts : orders) {
    const std::string method = facts.terms.method.empty() ? "" : " " + facts.terms.method;
    page += "<tr><td><code>" + escape_html(facts.order.out_order_no) + "</code><td>" +
            escape_html(std::string(facts.terms.desk) + method) + "<td>" +
            escape_html(facts.subject) + "<td class=\"amount\">" + amount_of(facts) + "<td>" +
            buttons(facts) + "</tr>\n";
  }
  if (!orders.empty()) page += "</table>\n";
  page += "<p>Nobody's money is moved here. <a href=\"/\">Look again</a></p>\n";
  return page + std::string(foot);
}

std::string order_page(const OrderFacts& facts) {
  std::string page(head);
  page += "<p><code>" + escape_html(facts.order.out_order_no) + "</code></p><p>" +
          escape_html(facts.subject) + "</p><p><strong>" + amount_of(facts) + "</strong></p>\n<p>";
  const bool open = facts.order.status == sandbox_wire::OrderStatus::open;
  page += open ? buttons(facts)
               : "This order is " + std::string(sandbox_wire::name_of(facts.order.status)) + ".";
  return page + "</p>\n" + std::string(foot);
}

std::string notice_page(std::string_view title, std::string_view text) {
  return std::string(head) + "<h2>" + escape_html(title) + "</h2><p>" + escape_html(text) +
         "</p>\n" + std::string(foot);
}

}  // namespace welkin::sandbox
