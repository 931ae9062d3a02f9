// Stripe's answers and events, with Stripe's own signature over what the fuzzer makes, so that it
// reaches what stands behind it; and as they come, where nothing may be believed that Stripe has
// not signed.
//
// The first line of an input says what it is: "event" (a body that is signed here), "raw" (headers
// and body), "answer query 200", "report 200", "amount usd 101".
#include <nlohmann/json.hpp>

#include "protocol/channels/stripe/amount.hpp"
#include "tests/fuzz/channel_claims.hpp"
#include "tests/support/stripe_fixture.hpp"

namespace welkin::fuzz {
namespace {

using Json = nlohmann::ordered_json;
using O = ChannelOperation;

const stripe::Account& account() {
  static const stripe::Account made = stripe_account();
  return made;
}

// The bodies that Stripe has signed in the vectors.
const std::set<std::string>& genuine_bodies() {
  static const std::set<std::string> bodies = [] {
    const nlohmann::json file = vector_json("stripe.json");
    std::set<std::string> out;
    for (const auto& vector : file["vectors"])
      if (vector["kind"] == "callback" && vector["name"].get<std::string>().substr(0, 4) != "neg_")
        out.insert(vector["in"]["body"].get<std::string>());
    return out;
  }();
  return bodies;
}

CallbackVerdict heard(const RawCallback& callback) {
  return stripe::parse_callback(account(), callback, vectors_now_us);
}

void check_event(std::string_view body) {
  RawCallback callback = stripe_callback(std::string(body));
  const CallbackVerdict verdict = heard(callback);
  claim_callback(verdict);
  if (const auto* report = std::get_if<ChannelReport>(&verdict);
      report && moves_money(report->verdict)) {
    const Json event = Json::parse(body);
    claim(!event.value("livemode", false), "money is believed of our own world alone");
    const Json& object = event.at("data").at("object");
    claim(object.at("metadata").at("order_no") == report->channel_order_no,
          "money is of the order that is named");
    claim(report->outside_refund ? object.value("captured", false)
          : report->verdict == ChannelVerdict::authorized
              ? object.at("status") == "requires_capture"
              : object.at("status") == "succeeded",
          "only a success moves money");
  }
  callback.body.push_back(' ');
  claim(!is_believed(heard(callback)), "a byte more is another message");
  callback.headers.clear();
  claim(!is_believed(heard(callback)), "nothing is believed that is not signed");
}

void check_raw(std::string_view input) {
  const RawCallback callback = raw_callback("stripe", input);
  const CallbackVerdict verdict = heard(callback);
  claim_callback(verdict);
  if (is_believed(verdict))
    claim(genuine_bodies().count(callback.body) == 1,
          "nothing is believed that Stripe has not signed");
}

ChannelCall call_of(std::string_view what) {
  return call_named(what, [](O operation, bool query) {
    return query ? example_query(operation, "USD") : example_call(operation, "USD");
  });
}

// What a body says of the order, in whichever of Stripe's shapes it comes.
bool names_order(const Json& body, const std::string& number) {
  const auto is_ours = [&number](const Json& object) {
    return object.is_object() && object.contains("metadata") && object["metadata"].is_object() &&
           object["metadata"].value("order_no", Json()) == number;
  };
  if (is_ours(body)) return true;
  if (body.contains("data") && body["data"].is_array())
    for (const Json& item : body["data"])
      if (is_ours(item)) return true;
  return body.contains("error") && body["error"].is_object() &&
         body["error"].contains("payment_intent") && is_ours(body["error"]["payment_intent"]);
}

void check_answer(std::string_view line, std::string_view body) {
  const ChannelCall call = call_of(take_word(line));
  const int status = take_status(line);
  const ChannelReport report =
      stripe::parse_answer(account(), call, {status, {}, std::string(body)});
  claim_answer(call, report);
  if (report.verdict != ChannelVerdict::unknown)
    claim(Json::accept(body), "no verdict comes of what is not JSON");
  if (moves_money(report.verdict) && call.operation != O::refund)
    claim(names_order(Json::parse(body), call.channel_order_no),
          "money is of the order that was asked");
  if (moves_money(report.verdict) && status != 200)
    claim(status < 500 && report.verdict == ChannelVerdict::paid,
          "an error moves money only with the intent that says so");
  if (!Json::accept(body))
    claim(report.verdict == ChannelVerdict::unknown, "garbage says nothing for certain");
}

void check_report(std::string_view line, std::string_view body) {
  const int status = take_status(line);
  const auto run = stripe::parse_report_run({status, {}, std::string(body)});
  if (const auto* problem = std::get_if<Problem>(&run))
    return claim_text(problem->detail, 512, "a refusal says why");
  const auto& found = std::get<stripe::ReportRun>(run);
  claim(status == 200 && is_plain_text(found.id, 255), "a report's run has an id");
  claim(is_plain_text(found.status, 64), "a report's state is a word");
  claim(is_plain_text(found.url, 8192), "a URL is one line");
  claim(is_plain_text(stripe::encode_report_query(account(), found.id).target, 1024),
        "a request's line has no second one");
}

// "usd 101": there and back again is the same amount, or there is no way there.
void check_amount(std::string_view line) {
  const std::string code(take_word(line));
  const auto currency = Currency::parse(code);
  std::int64_t amount = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), amount);
  if (!currency || error != std::errc{} || end != line.data() + line.size()) return;
  if (const auto units = stripe::to_stripe_units(amount, *currency))
    claim(stripe::from_stripe_units(*units, *currency) == amount, "an amount comes back the same");
  if (const auto minor = stripe::from_stripe_units(amount, *currency))
    if (const auto units = stripe::to_stripe_units(*minor, *currency))
      claim(*units == amount, "Stripe's units come back the same");
}

void check(std::string_view input) {
  std::string_view line = take_line(input);
  const std::string_view what = take_word(line);
  if (what == "raw") return check_raw(input);
  if (what == "answer") return check_answer(line, input);
  if (what == "report") return check_report(line, input);
  if (what == "amount") return check_amount(line);
  check_event(input);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
