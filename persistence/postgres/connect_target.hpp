// Where and how to connect: a database URL made safe for a journal, and kept out of every message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "persistence/journal_store.hpp"

namespace welkin::postgres {

class ConnectTarget {
 public:
  // Refuses a URL whose password could be read as another part of it, because libpq would then
  // quote pieces of the password in its errors.
  static StoreResult<ConnectTarget> parse(const std::string& url, bool read_only);

  // The URL with the session settings below added. What the user set himself wins, save for the
  // settings the journal's promises rest on.
  const std::string& url() const { return url_; }

  // `text` without line breaks and without anything secret of the URL.
  std::string redact(std::string_view text) const;

 private:
  std::string url_;
  std::vector<std::string> secrets_;
};

}  // namespace welkin::postgres
