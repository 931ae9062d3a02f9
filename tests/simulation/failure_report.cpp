// What a failing seed prints; declared in simulation.hpp.
#include <sstream>

#include "app/text_table.hpp"
#include "tests/simulation/simulation.hpp"

namespace welkin::simulation {
namespace {

constexpr std::size_t most_lines = 80;

// Of the whole world, or of the payment in question.
bool concerns(const std::string& line, const std::optional<PaymentId>& payment) {
  if (line.rfind("faults", 0) == 0 || line.rfind("node", 0) == 0 || line.rfind("store", 0) == 0)
    return true;
  return payment && (line.find(payment->text()) != std::string::npos ||
                     line.find(channel_order_no(*payment, 1).substr(0, 26)) != std::string::npos);
}

}  // namespace

std::string report_failure(const Scenario& scenario) {
  Scenario again = scenario;
  again.with_chronicle = true;
  const RunResult result = run(again);
  std::ostringstream out;
  out << "seed " << scenario.seed << " (" << result.drawn << ")\n";
  if (!result.violation) {
    out << "is fine when it is run again: something in the run is not deterministic\n";
    return out.str();
  }
  out << "broken: " << result.violation->invariant << ": " << result.violation->what << "\n\n";
  std::vector<std::string> lines;
  for (const Chronicle::Line& line : result.chronicle)
    if (concerns(line.text, result.violation->payment))
      lines.push_back(format_clock(line.at_us) + "  " + line.text);
  const std::size_t skipped = lines.size() > most_lines ? lines.size() - most_lines : 0;
  out << "what happened around it";
  if (skipped > 0) out << " (" << skipped << " earlier lines left out)";
  out << ":\n";
  for (std::size_t i = skipped; i < lines.size(); ++i) out << "  " << lines[i] << "\n";
  if (!result.timeline.empty()) out << "\n" << result.timeline;
  out << "\nreplay: " << replay_command(scenario) << "\n";
  return out.str();
}

}  // namespace welkin::simulation
