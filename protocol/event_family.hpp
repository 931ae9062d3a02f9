// What reading and writing one family of events takes, whichever family: a variant of structs with
// `kind`, `version` and `visit_fields`, in the order of their kinds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "protocol/field_codec.hpp"

namespace welkin {

namespace detail {

template <class Events, std::size_t... I>
constexpr bool alternatives_follow_kinds(std::index_sequence<I...>) {
  return ((static_cast<std::size_t>(std::variant_alternative_t<I, Events>::kind) == I) && ...);
}

template <class Events>
using Alternatives = std::make_index_sequence<std::variant_size_v<Events>>;

}  // namespace detail

template <class Events>
constexpr bool alternatives_follow_kinds() {
  return detail::alternatives_follow_kinds<Events>(detail::Alternatives<Events>{});
}

template <class Events>
void write_alternative(const Events& event, std::string& out) {
  EventFieldWriter writer(out);
  std::visit([&](const auto& value) { writer.object(value); }, event);
}

template <class Events>
int version_of_alternative(const Events& event) {
  return std::visit([](const auto& value) { return std::decay_t<decltype(value)>::version; },
                    event);
}

// For families that have known one version only.
struct NothingToUpcast {
  template <class Event>
  std::optional<CodecError> operator()(nlohmann::json&, int, const Event&) const {
    return std::nullopt;
  }
};

namespace detail {

template <class Event, class Events, class Upcast>
std::variant<Events, CodecError> read_one(nlohmann::json& json, int version, Upcast upcast) {
  if (version > Event::version || version < 1)
    return CodecError{"/", "has schema version " + std::to_string(version) + ", known up to " +
                               std::to_string(Event::version)};
  Event event;
  if (auto error = upcast(json, version, event)) return *error;
  EventFieldReader reader;
  reader.object(json, event, "");
  if (reader.error()) return *reader.error();
  return Events{std::move(event)};
}

template <class Events, class Upcast, std::size_t... I>
std::variant<Events, CodecError> read_alternative(std::size_t index, nlohmann::json& json,
                                                  int version, Upcast upcast,
                                                  std::index_sequence<I...>) {
  std::variant<Events, CodecError> result = CodecError{"/", "is of an unknown type"};
  ((I == index
        ? (result = read_one<std::variant_alternative_t<I, Events>, Events>(json, version, upcast),
           0)
        : 0),
   ...);
  return result;
}

}  // namespace detail

// `upcast(json, version, event)` brings an older version of that event's JSON up to today's, one
// step at a time, so that the rest of the program sees only today's shape.
template <class Events, class Upcast = NothingToUpcast>
std::variant<Events, CodecError> read_alternative(std::size_t index, int version,
                                                  std::string_view payload, Upcast upcast = {}) {
  auto json = parse_without_repeats(payload);
  if (const auto* error = std::get_if<CodecError>(&json)) return *error;
  return detail::read_alternative<Events>(index, std::get<nlohmann::json>(json), version, upcast,
                                          detail::Alternatives<Events>{});
}

}  // namespace welkin
