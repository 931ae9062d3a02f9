// Who caused an event, as its causation_id tells: a kind, a colon, and what names the one of that
// kind. Every cause is the node's own word: what a client calls its request is kept in a field of
// the event (RequestMark), where it cannot pass for a timer or for another request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

enum class CauseKind : std::uint8_t {
  request,   // a client's or an operator's, under a number of ours that no other request has
  timer,     // the passing of time, and when
  calls,     // what a breaker counted, and when
  answer,    // the channel's answer to a call
  query,     // its answer to a question how things stand
  callback,  // its own word
  tooling,   // "operator": what was done to the journal by a command, and when
  restore,   // what a journal that was restored asks for, and when
};
std::string_view name_of(CauseKind kind);

std::string cause(CauseKind kind, std::string_view which);
std::string cause(CauseKind kind, UnixUs at_us);
// The first journals had "timer" and "calls" alone.
bool is_caused_by(std::string_view causation_id, CauseKind kind);

}  // namespace welkin
