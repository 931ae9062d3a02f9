// The lives of a payment and of its refunds as data. Which event may follow in which state stands
// in `payment_edges` and `refund_edges` and nowhere else: decide, apply, the actor's behaviours,
// the exhaustive test, the OpenAPI enum and the diagram in the docs are all read from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace welkin {

enum class PaymentState : std::uint8_t {
  none,  // nothing recorded yet; never shown to anyone
  created,
  paying,
  authorized,
  paid,
  failed,
  closed,
  partially_refunded,
  refunded,
};
constexpr std::size_t payment_state_count = 9;

enum class PaymentEventKind : std::uint8_t {
  created,
  started,
  route_refused,
  channel_accepted,
  unsettled,
  authorized,
  capture_requested,
  capture_refused,
  paid,
  failed,
  close_requested,
  close_refused,
  void_requested,
  void_refused,
  closed,
  refund_requested,
  refund_succeeded,
  refund_failed,
  refund_reversed,
  surplus_recorded,
  surplus_refunded,
  report_refused,
  request_repeated,
  parked,
  resumed,
  refund_needs_attention,
  outside_refund_recorded,
};
constexpr std::size_t payment_event_kind_count = 27;

struct PaymentEdge {
  PaymentState from;
  PaymentEventKind on;
  PaymentState to;
  // Where it leads instead when all of the captured amount is given back after it, and where when
  // none of it is; the same as `to` for events that give nothing back and take no refund back.
  PaymentState to_when_nothing_is_left;
  PaymentState to_when_nothing_is_refunded;

  constexpr PaymentEdge(PaymentState f, PaymentEventKind o, PaymentState t)
      : PaymentEdge(f, o, t, t, t) {}
  constexpr PaymentEdge(PaymentState f, PaymentEventKind o, PaymentState t, PaymentState left)
      : PaymentEdge(f, o, t, left, t) {}
  constexpr PaymentEdge(PaymentState f, PaymentEventKind o, PaymentState t, PaymentState left,
                        PaymentState none)
      : from(f), on(o), to(t), to_when_nothing_is_left(left), to_when_nothing_is_refunded(none) {}
};

namespace detail {
using S = PaymentState;
using K = PaymentEventKind;
}  // namespace detail

// clang-format off
inline constexpr PaymentEdge payment_edges[] = {
    {detail::S::none,       detail::K::created,           detail::S::created},
    {detail::S::created,    detail::K::started,           detail::S::paying},
    {detail::S::created,    detail::K::close_requested,   detail::S::created},
    {detail::S::created,    detail::K::closed,            detail::S::closed},

    {detail::S::paying,     detail::K::route_refused,     detail::S::paying},   // no money can have moved
    {detail::S::paying,     detail::K::started,           detail::S::paying},   // at another account
    {detail::S::paying,     detail::K::channel_accepted,  detail::S::paying},
    {detail::S::paying,     detail::K::unsettled,         detail::S::paying},   // unknown is never failed
    {detail::S::paying,     detail::K::authorized,        detail::S::authorized},
    {detail::S::paying,     detail::K::paid,              detail::S::paid},
    {detail::S::paying,     detail::K::failed,            detail::S::failed},
    {detail::S::paying,     detail::K::close_requested,   detail::S::paying},   // the channel is asked first
    {detail::S::paying,     detail::K::close_refused,     detail::S::paying},
    {detail::S::paying,     detail::K::closed,            detail::S::closed},

    {detail::S::authorized, detail::K::unsettled,         detail::S::authorized},
    {detail::S::authorized, detail::K::capture_requested, detail::S::authorized},
    {detail::S::authorized, detail::K::capture_refused,   detail::S::authorized},
    {detail::S::authorized, detail::K::paid,              detail::S::paid},
    {detail::S::authorized, detail::K::void_requested,    detail::S::authorized},
    {detail::S::authorized, detail::K::void_refused,      detail::S::authorized},
    {detail::S::authorized, detail::K::closed,            detail::S::closed},

    {detail::S::paid,       detail::K::refund_requested,  detail::S::paid},
    {detail::S::paid,       detail::K::unsettled,         detail::S::paid},
    {detail::S::paid,       detail::K::refund_failed,     detail::S::paid},
    {detail::S::paid,       detail::K::refund_succeeded,  detail::S::partially_refunded, detail::S::refunded},
    {detail::S::partially_refunded, detail::K::refund_requested, detail::S::partially_refunded},
    {detail::S::partially_refunded, detail::K::unsettled,        detail::S::partially_refunded},
    {detail::S::partially_refunded, detail::K::refund_failed,    detail::S::partially_refunded},
    {detail::S::partially_refunded, detail::K::refund_succeeded, detail::S::partially_refunded, detail::S::refunded},

    // The channel takes a refund back that it had made.
    {detail::S::partially_refunded, detail::K::refund_reversed,
     detail::S::partially_refunded, detail::S::partially_refunded, detail::S::paid},
    {detail::S::refunded,   detail::K::refund_reversed,
     detail::S::partially_refunded, detail::S::refunded, detail::S::paid},

    // Money that came although the payment was over here, or came twice: recorded, then given back.
    {detail::S::failed,     detail::K::surplus_recorded,  detail::S::failed},
    {detail::S::failed,     detail::K::unsettled,         detail::S::failed},
    {detail::S::failed,     detail::K::refund_failed,     detail::S::failed},
    {detail::S::failed,     detail::K::surplus_refunded,  detail::S::refunded},
    {detail::S::failed,     detail::K::refund_reversed,   detail::S::failed},   // given back before it failed
    {detail::S::closed,     detail::K::surplus_recorded,  detail::S::closed},
    {detail::S::closed,     detail::K::unsettled,         detail::S::closed},
    {detail::S::closed,     detail::K::refund_failed,     detail::S::closed},
    {detail::S::closed,     detail::K::surplus_refunded,  detail::S::refunded},
    {detail::S::closed,     detail::K::refund_reversed,   detail::S::closed},   // given back before it closed
    {detail::S::paying,     detail::K::surplus_recorded,  detail::S::paying},
    {detail::S::paying,     detail::K::surplus_refunded,  detail::S::paying},
    {detail::S::paying,     detail::K::refund_failed,     detail::S::paying},
    {detail::S::paying,     detail::K::refund_reversed,   detail::S::paying},
    {detail::S::authorized, detail::K::surplus_recorded,  detail::S::authorized},
    {detail::S::authorized, detail::K::refund_failed,     detail::S::authorized},
    {detail::S::authorized, detail::K::surplus_refunded,  detail::S::authorized},
    {detail::S::authorized, detail::K::refund_reversed,   detail::S::authorized},
    {detail::S::paid,       detail::K::surplus_recorded,  detail::S::paid},
    {detail::S::paid,       detail::K::surplus_refunded,  detail::S::paid},
    {detail::S::paid,       detail::K::refund_reversed,   detail::S::paid},
    {detail::S::partially_refunded, detail::K::surplus_recorded, detail::S::partially_refunded},
    {detail::S::partially_refunded, detail::K::surplus_refunded, detail::S::partially_refunded},
    {detail::S::refunded,   detail::K::surplus_recorded,  detail::S::refunded},
    {detail::S::refunded,   detail::K::unsettled,         detail::S::refunded},
    {detail::S::refunded,   detail::K::refund_failed,     detail::S::refunded},
    {detail::S::refunded,   detail::K::surplus_refunded,  detail::S::refunded},

    // A refund, perhaps of a surplus, that goes on only once the merchant has seen to it.
    {detail::S::paying,     detail::K::refund_needs_attention, detail::S::paying},
    {detail::S::authorized, detail::K::refund_needs_attention, detail::S::authorized},
    {detail::S::paid,       detail::K::refund_needs_attention, detail::S::paid},
    {detail::S::failed,     detail::K::refund_needs_attention, detail::S::failed},
    {detail::S::closed,     detail::K::refund_needs_attention, detail::S::closed},
    {detail::S::partially_refunded, detail::K::refund_needs_attention, detail::S::partially_refunded},
    {detail::S::refunded,   detail::K::refund_needs_attention, detail::S::refunded},

    // A refund that was made at the channel's own desk.
    {detail::S::paid,       detail::K::outside_refund_recorded, detail::S::partially_refunded, detail::S::refunded},
    {detail::S::partially_refunded, detail::K::outside_refund_recorded, detail::S::partially_refunded, detail::S::refunded},
};
// clang-format on

// Records that are about the payment rather than a step of its life. They are legal in every state
// but `none` and leave the state as it is.
constexpr bool is_remark(PaymentEventKind kind) {
  return kind == PaymentEventKind::report_refused || kind == PaymentEventKind::request_repeated ||
         kind == PaymentEventKind::parked || kind == PaymentEventKind::resumed;
}

constexpr const PaymentEdge* find_edge(PaymentState from, PaymentEventKind on) {
  for (const PaymentEdge& edge : payment_edges)
    if (edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

constexpr bool may_follow(PaymentState from, PaymentEventKind on) {
  return is_remark(on) ? from != PaymentState::none : find_edge(from, on) != nullptr;
}

constexpr bool no_two_payment_edges_compete() {
  for (const PaymentEdge& edge : payment_edges)
    if (find_edge(edge.from, edge.on) != &edge || is_remark(edge.on)) return false;
  return true;
}
static_assert(no_two_payment_edges_compete());

// ---- refunds

enum class RefundState : std::uint8_t {
  none,  // not asked for yet; never shown to anyone
  pending,
  succeeded,
  failed,
};
constexpr std::size_t refund_state_count = 4;

// A merchant asks for a refund; a surplus is one that Welkin owes by itself, of money that should
// not have come; one from outside was made at the channel's own desk, and is known once it is done.
enum class RefundKind : std::uint8_t { asked_for, surplus, outside };

struct RefundEdge {
  RefundKind kind;
  RefundState from;
  PaymentEventKind on;
  RefundState to;
};

namespace detail {
using RK = RefundKind;
using R = RefundState;
}  // namespace detail

// clang-format off
inline constexpr RefundEdge refund_edges[] = {
    {detail::RK::asked_for, detail::R::none,      detail::K::refund_requested, detail::R::pending},
    {detail::RK::asked_for, detail::R::pending,   detail::K::unsettled,        detail::R::pending},
    {detail::RK::asked_for, detail::R::pending,   detail::K::refund_succeeded, detail::R::succeeded},
    {detail::RK::asked_for, detail::R::pending,   detail::K::refund_failed,    detail::R::failed},
    {detail::RK::asked_for, detail::R::succeeded, detail::K::refund_reversed,  detail::R::failed},
    {detail::RK::asked_for, detail::R::pending,   detail::K::refund_needs_attention, detail::R::pending},

    {detail::RK::surplus,   detail::R::none,      detail::K::surplus_recorded, detail::R::pending},
    {detail::RK::surplus,   detail::R::pending,   detail::K::unsettled,        detail::R::pending},
    {detail::RK::surplus,   detail::R::pending,   detail::K::surplus_refunded, detail::R::succeeded},
    {detail::RK::surplus,   detail::R::pending,   detail::K::refund_failed,    detail::R::failed},
    {detail::RK::surplus,   detail::R::succeeded, detail::K::refund_reversed,  detail::R::failed},
    {detail::RK::surplus,   detail::R::pending,   detail::K::refund_needs_attention, detail::R::pending},

    {detail::RK::outside,   detail::R::none,      detail::K::outside_refund_recorded, detail::R::succeeded},
    {detail::RK::outside,   detail::R::succeeded, detail::K::refund_reversed,  detail::R::failed},
};
// clang-format on

constexpr const RefundEdge* find_edge(RefundKind kind, RefundState from, PaymentEventKind on) {
  for (const RefundEdge& edge : refund_edges)
    if (edge.kind == kind && edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

constexpr bool no_two_refund_edges_compete() {
  for (const RefundEdge& edge : refund_edges)
    if (find_edge(edge.kind, edge.from, edge.on) != &edge) return false;
  return true;
}
static_assert(no_two_refund_edges_compete());

// ---- names

std::string_view name_of(PaymentState state);     // "PAYING"
std::string_view name_of(PaymentEventKind kind);  // "payment_paid", the journal's type column
std::optional<PaymentState> parse_payment_state(std::string_view name);
std::optional<PaymentEventKind> parse_payment_event_kind(std::string_view name);
std::string_view name_of(RefundState state);  // "PENDING"
std::optional<RefundState> parse_refund_state(std::string_view name);

}  // namespace welkin
