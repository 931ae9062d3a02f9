// What an event keeps of the request that caused it, whatever kind of entity it happened to.
#pragma once

#include <string>

namespace welkin {

// What a client's request brought along: by what it is recognised when it comes again, and what the
// client calls it. Empty: nothing was sent.
struct RequestMark {
  std::string idempotency_key;
  std::string fingerprint;      // SHA-256 of method, path and canonical body; 64 hex digits
  std::string request_id = {};  // its X-Request-Id: the client's word, and no cause of ours

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("idempotency_key", self.idempotency_key);
    v("fingerprint", self.fingerprint);
    v("request_id", self.request_id);
  }
};

}  // namespace welkin
