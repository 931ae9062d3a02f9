// What stands between HTTP and the order book: one desk a protocol. It checks who asks, reads what
// is asked, has it done by the bank, and says the result and each later news in its own words.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/channels/exchange.hpp"
#include "sandbox/order_book.hpp"

namespace welkin::sandbox {

struct DeskRequest {
  std::string method;
  std::string target;       // path and query as they were sent, from behind the desk's prefix on
  std::string full_target;  // with the prefix: what somebody may have signed who knows of it
  WireHeaders headers;      // names in lower case
  std::string body;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const std::size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target).substr(mark + 1);
  }
};

struct DeskAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  WireHeaders headers;
};

struct SignedMessage {
  WireHeaders headers;
  std::string content_type = "application/json";
  std::string body;
};
// A callback on its way out. It may be signed anew each time it is sent; forged, it bears a
// signature that the receiver must see through.
using Seal = std::function<SignedMessage(const SigningContext& context, bool forged)>;

// A number as other systems at a merchant's account give their orders.
inline constexpr const char* strangers_order_no = "1042";

// Threads: every function may be called from any thread.
class Desk {
 public:
  virtual ~Desk() = default;

  virtual std::string_view name() const = 0;    // of the protocol, "wechat_pay"
  virtual std::string_view prefix() const = 0;  // where its paths begin, "/wechat_pay"
  virtual DeskAnswer answer(const DeskRequest& request) = 0;
  // The callback for a result that has an event; nothing when this channel does not tell of it.
  // The bank asks with its lock held: nothing here may ask the bank.
  virtual std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const = 0;
  // Genuine callbacks that tell this receiver of what is not his, made of the news of something
  // that is: of another system's order, where the channel has nothing stranger.
  virtual std::vector<Seal> strange_news(const BookResult& news, UnixUs now_us) const;
  // Whether the receiver's answer says in this channel's words that the callback is taken.
  virtual bool is_taken(int http_status, std::string_view body) const = 0;
};

}  // namespace welkin::sandbox
