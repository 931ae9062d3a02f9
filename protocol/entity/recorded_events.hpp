// What one actor makes durable at once, for those who carry it without knowing its kind: whoever
// writes the journal, and the views.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace welkin {

class RecordedEvents {
 public:
  virtual ~RecordedEvents() = default;
  virtual std::size_t size() const = 0;
  // The n-th event as its journal row says it. What the strings held is written over, so that rows
  // keep their buffers.
  virtual void write(std::size_t n, std::string& type, int& version,
                     std::string& payload) const = 0;
};

// Events of a kind, and the state that the last of them leads to. A kind is a struct that names its
// `State`, its `Event` and its `stream_kind`; what else it says stands in free functions.
template <class Kind>
class EventsOf final : public RecordedEvents {
 public:
  using State = typename Kind::State;
  using Event = typename Kind::Event;

  EventsOf(std::vector<Event> recorded, std::shared_ptr<const State> state)
      : events(std::move(recorded)), after(std::move(state)) {}

  std::size_t size() const override { return events.size(); }
  void write(std::size_t n, std::string& type, int& version, std::string& payload) const override {
    const Event& event = events[n];
    type = name_of(kind_of(event));
    version = version_of(event);
    payload.clear();
    write_event(event, payload);
  }

  const std::vector<Event> events;
  const std::shared_ptr<const State> after;
};

}  // namespace welkin
