// Names, documents and draws of the sandbox's misbehaviour; see the header.
#include "sandbox/misbehaviour.hpp"

#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "protocol/channels/strict_json.hpp"

namespace welkin::sandbox {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view fault_names[] = {"delay",
                                            "timeout_after_work",
                                            "error_5xx",
                                            "garbage",
                                            "callback_duplicate",
                                            "callback_reorder",
                                            "callback_late",
                                            "callback_forged",
                                            "callback_wrong_amount",
                                            "callback_missing",
                                            "gbk",
                                            "callback_strange"};
static_assert(std::size(fault_names) == fault_count);

constexpr double million = 1'000'000.0;
// Long enough that what happens next to a payment is told first.
constexpr std::int64_t reorder_delay_ms = 1'500;

std::string rate_name(Fault fault) { return std::string(name_of(fault)) + "_rate"; }

Problem wrong(ProblemCode code, const std::string& path, std::string detail) {
  return {code, std::move(detail), path};
}

std::optional<Problem> read_rate(const Json& value, const std::string& path, std::uint32_t& ppm) {
  if (!value.is_number()) return wrong(ProblemCode::wrong_type, path, "A number is expected.");
  const double rate = value.get<double>();
  if (!(rate >= 0.0 && rate <= 1.0))
    return wrong(ProblemCode::invalid_value, path, "A rate lies between 0 and 1.");
  ppm = static_cast<std::uint32_t>(std::lround(rate * million));
  return std::nullopt;
}

std::optional<Problem> read_duration(const Json& value, const std::string& path,
                                     std::int64_t& duration_ms) {
  if (!value.is_number_integer())
    return wrong(ProblemCode::wrong_type, path, "An integer is expected.");
  if (value < 0 || value > fault_duration_max_ms)
    return wrong(ProblemCode::invalid_value, path, "At most 60000 milliseconds.");
  duration_ms = value.get<std::int64_t>();
  return std::nullopt;
}

// False when the key is no misbehaviour's.
bool read_misbehaviour_field(const std::string& key, const Json& value, Misbehaviour& into,
                             std::optional<Problem>& problem) {
  const std::string path = "/" + key;
  for (std::size_t i = 0; i < fault_count; ++i) {
    const auto fault = static_cast<Fault>(i);
    if (key != rate_name(fault)) continue;
    problem = read_rate(value, path, into.rate_ppm(fault));
    return true;
  }
  std::int64_t* duration_ms = key == "delay_ms"           ? &into.delay_ms
                              : key == "callback_late_ms" ? &into.callback_late_ms
                              : key == "hold_ms"          ? &into.hold_ms
                                                          : nullptr;
  if (!duration_ms) return false;
  problem = read_duration(value, path, *duration_ms);
  return true;
}

std::optional<Problem> read_auto_pay(const Json& object, AutoPay& into) {
  if (!object.is_object())
    return wrong(ProblemCode::wrong_type, "/auto_pay", "An object is expected.");
  for (const auto& item : object.items()) {
    const std::string& key = item.key();
    const std::string path = "/auto_pay/" + key;
    std::optional<Problem> problem;
    if (key == "enabled") {
      if (!item.value().is_boolean())
        return wrong(ProblemCode::wrong_type, path, "A boolean is expected.");
      into.enabled = item.value().get<bool>();
    } else if (key == "after_ms") {
      problem = read_duration(item.value(), path, into.after_ms);
    } else if (key == "decline_rate") {
      problem = read_rate(item.value(), path, into.decline_ppm);
    } else if (key == "refund_after_ms") {
      problem = read_duration(item.value(), path, into.refund_after_ms);
    } else if (key == "refund_fail_rate") {
      problem = read_rate(item.value(), path, into.refund_fail_ppm);
    } else {
      problem = wrong(ProblemCode::unknown_field, path, "No such field.");
    }
    if (problem) return problem;
  }
  return std::nullopt;
}

std::variant<Json, Problem> parse_object(std::string_view body) {
  auto json = parse_strict_json(body);
  if (!json || !json->is_object())
    return wrong(ProblemCode::malformed_json, "",
                 "The body is not a JSON object, or one that names a member twice.");
  return std::move(*json);
}

std::uint64_t mix(std::uint64_t z) {  // splitmix64's finisher
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t mix_text(std::uint64_t state, std::string_view text) {
  for (const char c : text) state = mix(state + static_cast<unsigned char>(c) + 1);
  return mix(state ^ text.size());
}

void read_tag(std::string_view tag, SubjectTags& tags) {
  const std::size_t equals = tag.find('=');
  const std::string_view name = tag.substr(0, equals);
  if (name == "no_auto_pay") tags.no_auto_pay = true;
  if (name == "decline") tags.decline = true;
  if (name == "refund_fail") tags.refund_fail = true;
  if (name == "refund_stuck") tags.refund_stuck = true;
  const auto fault = parse_fault(name);
  if (!fault) return;  // the subject is the merchant's: what we do not know is not for us
  tags.faults[static_cast<std::size_t>(*fault)] = true;
  if (equals == std::string_view::npos) return;
  const std::string_view digits = tag.substr(equals + 1);
  std::int64_t duration_ms = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), duration_ms);
  if (error != std::errc{} || end != digits.data() + digits.size() || duration_ms < 0 ||
      duration_ms > fault_duration_max_ms)
    return;
  if (*fault == Fault::delay) tags.delay_ms = duration_ms;
  if (*fault == Fault::callback_late) tags.callback_late_ms = duration_ms;
  if (*fault == Fault::timeout_after_work) tags.hold_ms = duration_ms;
}

}  // namespace

std::string_view name_of(Fault fault) { return fault_names[static_cast<std::size_t>(fault)]; }

std::optional<Fault> parse_fault(std::string_view name) {
  for (std::size_t i = 0; i < fault_count; ++i)
    if (fault_names[i] == name) return static_cast<Fault>(i);
  return std::nullopt;
}

std::string encode_control(const Control& control) {
  const auto rate = [](std::uint32_t ppm) { return ppm / million; };
  Json json;
  for (std::size_t i = 0; i < fault_count; ++i)
    json[rate_name(static_cast<Fault>(i))] = rate(control.misbehaviour.rates_ppm[i]);
  json["delay_ms"] = control.misbehaviour.delay_ms;
  json["callback_late_ms"] = control.misbehaviour.callback_late_ms;
  json["hold_ms"] = control.misbehaviour.hold_ms;
  json["auto_pay"] = {{"enabled", control.auto_pay.enabled},
                      {"after_ms", control.auto_pay.after_ms},
                      {"decline_rate", rate(control.auto_pay.decline_ppm)},
                      {"refund_after_ms", control.auto_pay.refund_after_ms},
                      {"refund_fail_rate", rate(control.auto_pay.refund_fail_ppm)}};
  return json.dump();
}

std::variant<Control, Problem> parse_control(std::string_view body, const Control& before) {
  auto parsed = parse_object(body);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  Control control = before;
  for (const auto& item : std::get<Json>(parsed).items()) {
    std::optional<Problem> problem;
    if (item.key() == "auto_pay")
      problem = read_auto_pay(item.value(), control.auto_pay);
    else if (!read_misbehaviour_field(item.key(), item.value(), control.misbehaviour, problem))
      problem = wrong(ProblemCode::unknown_field, "/" + item.key(), "No such field.");
    if (problem) return std::move(*problem);
  }
  return control;
}

std::variant<Misbehaviour, Problem> parse_misbehaviour(std::string_view body,
                                                       const Misbehaviour& before) {
  auto parsed = parse_object(body);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  Misbehaviour misbehaviour = before;
  for (const auto& item : std::get<Json>(parsed).items()) {
    std::optional<Problem> problem;
    if (!read_misbehaviour_field(item.key(), item.value(), misbehaviour, problem))
      problem = wrong(ProblemCode::unknown_field, "/" + item.key(), "No such field.");
    if (problem) return std::move(*problem);
  }
  return misbehaviour;
}

SubjectTags parse_subject(std::string_view subject) {
  constexpr std::string_view opening = "[sandbox:";
  SubjectTags tags;
  for (std::size_t at = subject.find(opening); at != std::string_view::npos;
       at = subject.find(opening, at)) {
    at += opening.size();
    const std::size_t closing = subject.find(']', at);
    if (closing == std::string_view::npos) break;
    read_tag(subject.substr(at, closing - at), tags);
  }
  return tags;
}

bool strikes(std::uint64_t seed, std::string_view subject_of_draw, std::string_view what,
             std::uint64_t nth, std::uint32_t rate_ppm) {
  if (rate_ppm == 0) return false;
  const std::uint64_t draw = mix(mix_text(mix_text(mix(seed), subject_of_draw), what) + nth);
  return draw % 1'000'000 < rate_ppm;
}

RequestPlan plan_request(const Misbehaviour& rates, const SubjectTags& tags, std::uint64_t seed,
                         std::string_view order_no, std::string_view what, std::uint64_t nth,
                         bool is_query) {
  const auto drawn = [&](Fault fault) {
    const std::string draw = std::string(what) + "/" + std::string(name_of(fault));
    return strikes(seed, order_no, draw, nth, rates.rate_ppm(fault));
  };
  const bool may_force = !is_query && nth == 0;
  const auto forced = [&](Fault fault) { return may_force && tags.has(fault); };
  RequestPlan plan;
  plan.fail_before_work = forced(Fault::error_5xx);
  if (!plan.fail_before_work && drawn(Fault::error_5xx)) {
    plan.fail_before_work = strikes(seed, order_no, std::string(what) + "/before", nth, 500'000);
    plan.fail_after_work = !plan.fail_before_work;
  }
  plan.garbage = forced(Fault::garbage) || drawn(Fault::garbage);
  plan.in_gbk = tags.has(Fault::gbk) || drawn(Fault::gbk);
  if (forced(Fault::delay) || drawn(Fault::delay))
    plan.delay_ms = tags.delay_ms.value_or(rates.delay_ms);
  if (forced(Fault::timeout_after_work) || drawn(Fault::timeout_after_work))
    plan.hold_ms = tags.hold_ms.value_or(rates.hold_ms);
  return plan;
}

CallbackPlan plan_callback(const Misbehaviour& rates, const SubjectTags& tags, std::uint64_t seed,
                           std::string_view order_no, std::string_view what) {
  const auto happens = [&](Fault fault) {
    const std::string draw = std::string(what) + "/" + std::string(name_of(fault));
    return tags.has(fault) || strikes(seed, order_no, draw, 0, rates.rate_ppm(fault));
  };
  CallbackPlan plan;
  plan.missing = happens(Fault::callback_missing);
  plan.duplicate = happens(Fault::callback_duplicate);
  plan.forged = happens(Fault::callback_forged);
  plan.wrong_amount = happens(Fault::callback_wrong_amount);
  plan.strange = happens(Fault::callback_strange);
  if (happens(Fault::callback_late))
    plan.delay_ms += tags.callback_late_ms.value_or(rates.callback_late_ms);
  // Only the payment's own news is held back: held back like it, the next would not overtake it.
  if (what == "order.paid" || what == "order.authorized") {
    if (happens(Fault::callback_reorder)) plan.delay_ms += reorder_delay_ms;
  }
  return plan;
}

}  // namespace welkin::sandbox
