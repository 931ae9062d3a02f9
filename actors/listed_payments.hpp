// The payments that lists have shown of late, so that who polls a list does not have each of its
// payments read from the journal again. A payment is known by its card's position: any later event
// gives it another one.
#pragma once

#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "actors/payment_service.hpp"

namespace welkin {

class ListedPayments {
 public:
  // As it was after the event at `position`, or later.
  std::optional<PaymentView> find(const StreamId& stream, std::uint64_t position) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Shown* shown : {&recent_, &older_}) {
      const auto found = shown->find(stream);
      if (found != shown->end() && found->second.first == position) return found->second.second;
    }
    return std::nullopt;
  }

  void keep(std::uint64_t position, const PaymentView& view) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // In two halves, the older of which is given up whole: no order has to be kept among them.
    if (recent_.size() >= max_payments / 2) older_ = std::exchange(recent_, {});
    recent_.insert_or_assign(view.id, std::make_pair(position, view));
  }

 private:
  static constexpr std::size_t max_payments = 4'096;
  using Shown = std::unordered_map<StreamId, std::pair<std::uint64_t, PaymentView>>;

  std::mutex mutex_;
  Shown recent_;
  Shown older_;
};

}  // namespace welkin
