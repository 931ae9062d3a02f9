// What can be recorded about a circuit breaker. One struct a kind; each lists its JSON fields once,
// in `visit_fields`. The rules for changing them are those of payment events.
//
// Each names its account, because the stream's id is only a hash of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/breaker/state.hpp"
#include "protocol/ids.hpp"

namespace welkin {

// What was counted. A call may be slow and a failure at once.
struct BreakerFigures {
  int calls = 0;
  int failures = 0;
  int slow = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("calls", self.calls);
    v("failures", self.failures);
    v("slow", self.slow);
  }
};

enum class TripCause : std::uint8_t { failures, slow_calls };
std::string_view name_of(TripCause cause);
std::optional<TripCause> parse_trip_cause(std::string_view name);

struct BreakerOpened {
  static constexpr auto kind = BreakerEventKind::opened;
  static constexpr int version = 1;
  std::string account;
  TripCause cause = TripCause::failures;
  BreakerFigures figures;
  int trips = 1;  // how often in a row, this one included
  UnixUs open_until_us = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("cause", self.cause);
    v("figures", self.figures);
    v("trips", self.trips);
    v("open_until_us", self.open_until_us);
  }
};

struct BreakerHalfOpened {
  static constexpr auto kind = BreakerEventKind::half_opened;
  static constexpr int version = 1;
  std::string account;
  int probes = 0;  // how many are let through

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("probes", self.probes);
  }
};

struct BreakerRecovering {
  static constexpr auto kind = BreakerEventKind::recovering;
  static constexpr int version = 1;
  std::string account;
  BreakerFigures figures;  // of the probes

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("figures", self.figures);
  }
};

struct BreakerClosed {
  static constexpr auto kind = BreakerEventKind::closed;
  static constexpr int version = 1;
  std::string account;
  BreakerFigures figures;  // of the window at the end of the recovery

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("figures", self.figures);
  }
};

// What operators do: who, and why, in their own words.
struct BreakerForcedOpen {
  static constexpr auto kind = BreakerEventKind::forced_open;
  static constexpr int version = 2;  // 1 had no request_id
  std::string account;
  std::string by;
  std::string reason;
  std::string request_id = {};  // the operator's X-Request-Id, if one was sent

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("by", self.by);
    v("reason", self.reason);
    v("request_id", self.request_id);
  }
};

struct BreakerDisabled {
  static constexpr auto kind = BreakerEventKind::disabled;
  static constexpr int version = 2;  // 1 had no request_id
  std::string account;
  std::string by;
  std::string reason;
  std::string request_id = {};  // the operator's X-Request-Id, if one was sent

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("by", self.by);
    v("reason", self.reason);
    v("request_id", self.request_id);
  }
};

struct BreakerReleased {
  static constexpr auto kind = BreakerEventKind::released;
  static constexpr int version = 2;  // 1 had no request_id
  std::string account;
  std::string by;
  std::string reason;
  std::string request_id = {};  // the operator's X-Request-Id, if one was sent

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("by", self.by);
    v("reason", self.reason);
    v("request_id", self.request_id);
  }
};

// In the order of BreakerEventKind, which event_codec.cpp asserts.
using BreakerEvent =
    std::variant<BreakerOpened, BreakerHalfOpened, BreakerRecovering, BreakerClosed,
                 BreakerForcedOpen, BreakerDisabled, BreakerReleased>;
static_assert(std::variant_size_v<BreakerEvent> == breaker_event_kind_count);

inline BreakerEventKind kind_of(const BreakerEvent& event) {
  return static_cast<BreakerEventKind>(event.index());
}

}  // namespace welkin
