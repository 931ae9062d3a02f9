#include "actors/answerer.hpp"

#include "actors/messages.hpp"

namespace welkin {

caf::behavior answerer(caf::event_based_actor* self, NodeFate* fate) {
  supervise(*self, fate);
  return {
      [](answer_atom, const DueAnswersPtr& due) {
        for (const DueAnswer& answer : *due) answer_to(answer.to, answer.answer);
      },
      [self](stop_atom) { self->quit(); },
  };
}

}  // namespace welkin
