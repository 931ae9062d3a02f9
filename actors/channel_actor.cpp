#include "actors/channel_actor.hpp"

#include <utility>

#include "actors/messages.hpp"

namespace welkin {

ChannelActor::ChannelActor(caf::actor_config& config, RuntimeContextPtr context, ChannelPort& port)
    : caf::event_based_actor(config), context_(std::move(context)), port_(port) {}

caf::behavior ChannelActor::make_behavior() {
  return {
      [this](call_atom, const ChannelCallPtr& call) {
        context_->metrics->channel_calls.Increment();
        // The context outlives every call: the node stops its channels before its actors.
        port_.call(*call, [context = context_, call](ChannelReport report) {
          if (report.verdict == ChannelVerdict::unknown)
            context->metrics->channel_unknown.Increment();
          report.source = call->query ? ReportSource::query : ReportSource::answer;
          report.payment = call->payment;
          report.operation = call->operation;
          report.refund_id = call->refund_id;
          auto request = std::make_shared<ReportRequest>();
          request->report = std::move(report);
          request->is_query = call->query;
          caf::anon_send(context->shard(call->payment), report_atom::value,
                         ReportRequestPtr(std::move(request)));
        });
      },
      [this](stop_atom) { quit(); },
  };
}

}  // namespace welkin
