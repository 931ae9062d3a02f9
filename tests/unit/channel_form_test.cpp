// Forms as channels write them, and the sorted text their signatures are over.
#include <catch2/catch.hpp>

#include "protocol/channels/form.hpp"

using namespace welkin;

TEST_CASE("a form is encoded with either spelling of a space, and read back from both") {
  const FormFields fields{{"a", "1 2&3=4"}, {"空", "+%~"}};
  CHECK(encode_form(fields, FormSpace::percent_20) == "a=1%202%263%3D4&%E7%A9%BA=%2B%25~");
  CHECK(encode_form(fields, FormSpace::plus) == "a=1+2%263%3D4&%E7%A9%BA=%2B%25~");
  CHECK(parse_form(encode_form(fields, FormSpace::percent_20)) == fields);
  CHECK(parse_form(encode_form(fields, FormSpace::plus)) == fields);
}

TEST_CASE("a form is decoded once and no more") {
  const auto fields = parse_form("passback_params=shop%253D1&subject=100%25");
  REQUIRE(fields);
  CHECK(field_of(*fields, "passback_params") == "shop%3D1");
  CHECK(field_of(*fields, "subject") == "100%");
  CHECK(field_of(*fields, "absent").empty());
}

TEST_CASE("values may be empty or hold an equals sign") {
  const auto fields = parse_form("a=&b&c=x=y&&");
  REQUIRE(fields);
  CHECK(*fields == FormFields{{"a", ""}, {"b", ""}, {"c", "x=y"}});
  CHECK(parse_form("")->empty());
}

TEST_CASE("what two readers could read in two ways is no form") {
  const auto body =
      GENERATE(as<std::string>{}, "a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%zz", "=1", "a=1&=2");
  CAPTURE(body);
  CHECK_FALSE(parse_form(body));
}

TEST_CASE("a form has a bound") {
  FormFields fields;
  for (std::size_t i = 0; i < max_form_fields; ++i)
    fields.emplace_back("f" + std::to_string(i), "");
  CHECK(parse_form(encode_form(fields, FormSpace::plus)));
  fields.emplace_back("one_more", "");
  CHECK_FALSE(parse_form(encode_form(fields, FormSpace::plus)));
}

TEST_CASE("signed text is sorted by the names' bytes, without what is empty, and not encoded") {
  const FormFields fields{{"b", "2"}, {"a_b", "3"}, {"aB", "1 &"}, {"empty", ""}, {"A", "中"}};
  CHECK(sorted_text(fields) == "A=中&aB=1 &&a_b=3&b=2");
  CHECK(sorted_text_without(fields, {"b", "A"}) == "aB=1 &&a_b=3");
  CHECK(sorted_text_with_empty(fields, {"b", "A"}) == "aB=1 &&a_b=3&empty=");
}

TEST_CASE("a page that submits itself holds each value as it was, whatever is in it") {
  const std::string page =
      self_submitting_form("https://a.example/b?c=1&d=2", {{"x", "<\"'&>\r\n"}, {"y", "中"}});
  CHECK(page.find("action=\"https://a.example/b?c=1&amp;d=2\"") != std::string::npos);
  CHECK(page.find("name=\"x\" value=\"&lt;&quot;&#39;&amp;&gt;&#13;&#10;\"") != std::string::npos);
  CHECK(page.find("name=\"y\" value=\"中\"") != std::string::npos);
}
