// The two visitors behind every `visit_fields`: one writes JSON, one reads it strictly. A type with
// `visit_fields` is an object; enums are read and written by their names.
//
// Writing is by hand because it is on the journal's hot path (measured: nlohmann/json costs about
// six times as much); parsing is nlohmann/json.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "protocol/event_format.hpp"
#include "protocol/json_text.hpp"
#include "protocol/money.hpp"

namespace welkin {

// nlohmann keeps the last of two equal keys; a journal row with two has been tampered with.
std::variant<nlohmann::json, CodecError> parse_without_repeats(std::string_view text);

template <class T>
struct EnumParser;  // EnumParser<T>::parse(name), specialised where a family of events is read

#define WELKIN_ENUM_PARSER(Type, function)                                       \
  template <>                                                                    \
  struct EnumParser<Type> {                                                      \
    static std::optional<Type> parse(std::string_view n) { return function(n); } \
  }

class EventFieldWriter {
 public:
  explicit EventFieldWriter(std::string& out) : out_(out) {}

  template <class T>
  void object(const T& value) {
    out_.push_back('{');
    const bool outer_first = first_;
    first_ = true;
    T::visit_fields(value, *this);
    first_ = outer_first;
    out_.push_back('}');
  }

  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (!first_) out_.push_back(',');
    first_ = false;
    out_.push_back('"');
    out_.append(name);
    out_.append("\":");
    write(value);
  }

 private:
  void write(bool value) { out_.append(value ? "true" : "false"); }
  void write(int value) { append_json_int(out_, value); }
  void write(std::int64_t value) { append_json_int(out_, value); }
  void write(const std::string& value) { append_json_string(out_, value); }
  void write(const Currency& value) { append_json_string(out_, value.code()); }
  void write(const std::map<std::string, std::string>& value) {
    out_.push_back('{');
    bool first = true;
    for (const auto& [key, text] : value) {
      if (!first) out_.push_back(',');
      first = false;
      append_json_string(out_, key);
      out_.push_back(':');
      append_json_string(out_, text);
    }
    out_.push_back('}');
  }
  template <class T>
  void write(const std::vector<T>& values) {
    out_.push_back('[');
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_.push_back(',');
      object(values[i]);
    }
    out_.push_back(']');
  }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value)
      write(*value);
    else
      out_.append("null");
  }
  template <class T>
  std::enable_if_t<std::is_enum_v<T>> write(const T& value) {
    append_json_string(out_, name_of(value));
  }
  template <class T>
  std::enable_if_t<std::is_class_v<T>> write(const T& value) {
    object(value);
  }

  std::string& out_;
  bool first_ = true;
};

class EventFieldReader {
 public:
  using Json = nlohmann::json;

  // Reads `value` from `json`, or sets the first error and leaves the rest as it was.
  template <class T>
  void object(const Json& json, T& value, const std::string& path) {
    if (!json.is_object()) return fail(path, "must be an object");
    Frame frame{&json, path, 0};
    Frame* outer = frame_;
    frame_ = &frame;
    T::visit_fields(value, *this);
    frame_ = outer;
    if (!error_ && frame.seen != json.size()) name_the_unknown(json, value, path);
  }

  template <class T>
  void operator()(std::string_view name, T& value) {
    if (error_) return;
    const std::string path = frame_->path + "/" + std::string(name);
    const auto found = frame_->json->find(std::string(name));
    if (found == frame_->json->end()) return fail(path, "is missing");
    ++frame_->seen;
    read(*found, value, path);
  }

  std::optional<CodecError>& error() { return error_; }

 private:
  struct Frame {
    const Json* json;
    std::string path;
    std::size_t seen;
  };

  // Collects the names a type has, to say which field of the JSON is not one of them.
  struct NameCollector {
    std::vector<std::string> names;
    template <class T>
    void operator()(std::string_view name, T&) {
      names.emplace_back(name);
    }
  };

  template <class T>
  void name_the_unknown(const Json& json, T& value, const std::string& path) {
    NameCollector known;
    T::visit_fields(value, known);
    for (const auto& [name, ignored] : json.items()) {
      bool found = false;
      for (const std::string& candidate : known.names) found = found || candidate == name;
      if (!found) return fail(path + "/" + name, "is not known");
    }
  }

  void fail(const std::string& path, std::string what) {
    if (!error_) error_ = CodecError{path.empty() ? "/" : path, std::move(what)};
  }

  void read(const Json& json, bool& value, const std::string& path) {
    if (!json.is_boolean()) return fail(path, "must be true or false");
    value = json.get<bool>();
  }
  void read(const Json& json, std::int64_t& value, const std::string& path) {
    if (!json.is_number_integer() ||
        (json.is_number_unsigned() &&
         json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)))
      return fail(path, "must be a 64-bit integer");
    value = json.get<std::int64_t>();
  }
  void read(const Json& json, int& value, const std::string& path) {
    std::int64_t wide = 0;
    read(json, wide, path);
    if (wide < INT32_MIN || wide > INT32_MAX) return fail(path, "must be a 32-bit integer");
    value = static_cast<int>(wide);
  }
  void read(const Json& json, std::string& value, const std::string& path) {
    if (!json.is_string()) return fail(path, "must be a string");
    value = json.get_ref<const std::string&>();
  }
  void read(const Json& json, Currency& value, const std::string& path) {
    const auto parsed = json.is_string() ? Currency::parse(json.get_ref<const std::string&>())
                                         : std::optional<Currency>{};
    if (!parsed) return fail(path, "must be an ISO 4217 code");
    value = *parsed;
  }
  void read(const Json& json, std::map<std::string, std::string>& value, const std::string& path) {
    if (!json.is_object()) return fail(path, "must be an object");
    value.clear();
    for (const auto& [key, text] : json.items()) {
      if (!text.is_string()) return fail(path + "/" + key, "must be a string");
      value.emplace(key, text.get_ref<const std::string&>());
    }
  }
  template <class T>
  void read(const Json& json, std::vector<T>& values, const std::string& path) {
    if (!json.is_array()) return fail(path, "must be an array");
    values.assign(json.size(), T{});
    for (std::size_t i = 0; i < json.size(); ++i)
      object(json[i], values[i], path + "/" + std::to_string(i));
  }
  template <class T>
  void read(const Json& json, std::optional<T>& value, const std::string& path) {
    if (json.is_null()) {
      value.reset();
      return;
    }
    read(json, value.emplace(), path);
  }
  template <class T>
  std::enable_if_t<std::is_enum_v<T>> read(const Json& json, T& value, const std::string& path) {
    const auto parsed = json.is_string() ? EnumParser<T>::parse(json.get_ref<const std::string&>())
                                         : std::optional<T>{};
    if (!parsed) return fail(path, "is not one of the names this field may have");
    value = *parsed;
  }
  template <class T>
  std::enable_if_t<std::is_class_v<T>> read(const Json& json, T& value, const std::string& path) {
    object(json, value, path);
  }

  std::optional<CodecError> error_;
  Frame* frame_ = nullptr;
};

}  // namespace welkin
