// One-dimensional arrays in PostgreSQL's binary form, for unnest. Half the bytes of a literal where
// hashes are, nothing to escape here and nothing to parse there. The form is fixed: it is what
// every server's array_recv reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <pqxx/binarystring>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin::postgres {

// The element types' numbers, which are the same in every database.
enum class ElementType : std::uint32_t { bytea = 17, int8 = 20, int4 = 23, text = 25, json = 114 };

class BinaryArray {
 public:
  explicit BinaryArray(ElementType type) : type_(type) { clear(); }

  // Keeps the memory.
  void clear() {
    bytes_.assign(header_bytes, '\0');
    count_ = 0;
    has_nul_ = false;
  }

  void add_int8(std::uint64_t value) {
    begin_element(8);
    put(value, 8);
  }
  void add_int4(std::uint32_t value) {
    begin_element(4);
    put(value, 4);
  }
  void add_text(std::string_view value) {
    begin_element(value.size());
    has_nul_ = has_nul_ || value.find('\0') != std::string_view::npos;
    bytes_.append(value);
  }
  void add_hash(const Hash& hash) {
    begin_element(hash.size());
    bytes_.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }

  std::size_t count() const { return count_; }
  // True once a text with a NUL byte was added: a server cannot store one.
  bool has_nul() const { return has_nul_; }

  pqxx::binarystring parameter() {
    constexpr std::uint32_t without_nulls = 0, first_subscript = 1;
    const std::uint32_t dimensions = count_ == 0 ? 0 : 1;
    const std::uint32_t words[] = {dimensions, without_nulls, static_cast<std::uint32_t>(type_),
                                   static_cast<std::uint32_t>(count_), first_subscript};
    std::size_t at = 0;
    for (const std::uint32_t word : words)
      for (int shift = 24; shift >= 0; shift -= 8) bytes_[at++] = static_cast<char>(word >> shift);
    // An array without elements has no dimension, and its header ends before the first.
    return pqxx::binarystring(bytes_.data(), count_ == 0 ? empty_bytes : bytes_.size());
  }

 private:
  static constexpr std::size_t header_bytes = 20;
  static constexpr std::size_t empty_bytes = 12;

  void put(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      bytes_.push_back(static_cast<char>(value >> shift));
  }
  void begin_element(std::size_t bytes) {
    put(bytes, 4);
    ++count_;
  }

  ElementType type_;
  std::string bytes_;
  std::size_t count_ = 0;
  bool has_nul_ = false;
};

}  // namespace welkin::postgres
