// How long and how many: the limits of what a merchant may send. The handlers and the OpenAPI
// document read the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace welkin {

constexpr std::size_t max_order_no_characters = 64;
constexpr std::size_t max_subject_characters = 128;
constexpr std::size_t max_method_characters = 32;
constexpr std::size_t max_payer_id_characters = 128;
constexpr std::size_t max_payer_ip_characters = 45;  // the longest way to write an IPv6 address
constexpr std::size_t max_instrument_characters = 255;
constexpr std::size_t max_reason_characters = 256;
constexpr std::size_t max_action_characters = 32;
constexpr std::size_t max_url_characters = 2048;
constexpr std::size_t max_metadata_entries = 20;
constexpr std::size_t max_metadata_key_characters = 40;
constexpr std::size_t max_metadata_value_characters = 500;
constexpr std::size_t max_cursor_characters = 256;
constexpr std::size_t max_page_size = 100;
constexpr std::size_t default_page_size = 20;
constexpr std::int64_t min_expires_in_s = 1;
constexpr std::int64_t max_expires_in_s = 7 * 86'400;
constexpr std::int64_t default_expires_in_s = 1800;

}  // namespace welkin
