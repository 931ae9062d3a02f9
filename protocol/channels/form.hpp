// Names and values as channels send and sign them: application/x-www-form-urlencoded, and the text
// "a=1&b=2" sorted by name that Alipay and UnionPay put their signatures over.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace welkin {

using FormFields = std::vector<std::pair<std::string, std::string>>;

// More fields than any channel sends. A form beyond it is refused, not searched.
constexpr std::size_t max_form_fields = 256;

// All but RFC 3986's unreserved characters become %XX; a space is %20.
std::string percent_encode(std::string_view text);

enum class FormSpace : unsigned char { percent_20, plus };
std::string encode_form(const FormFields& fields, FormSpace space);

// Nothing when it is no form: a broken %XX, an empty name, a name that stands twice (two readers
// could each take another one of the values), or too many fields. Decodes once; an empty body is a
// form without fields.
std::optional<FormFields> parse_form(std::string_view body);

// The value, or empty.
std::string_view field_of(const FormFields& fields, std::string_view name);

// "name=value" joined by "&" in the order of the names' bytes, without the fields whose value is
// empty. Values stand as they are, not encoded.
std::string sorted_text(const FormFields& fields);
// Also without the fields named.
std::string sorted_text_without(const FormFields& fields,
                                std::initializer_list<std::string_view> names);
// The same with "name=" for the fields whose value is empty, which some channels sign.
std::string sorted_text_with_empty(const FormFields& fields,
                                   std::initializer_list<std::string_view> without);

// Text between the quotes of an HTML attribute.
std::string escape_html(std::string_view text);
// A page that posts the fields to `action` as soon as a browser shows it, with a button for
// browsers without script.
std::string self_submitting_form(std::string_view action, const FormFields& fields);

}  // namespace welkin
