// Certificates beyond one key each: bundles, issuers, and whether one is vouched for by others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/channels/crypto.hpp"
#include "protocol/ids.hpp"

namespace welkin::crypto {

// The PEM certificates of a text, each by itself, in their order.
std::vector<std::string> split_certificates(std::string_view bundle);

// The RSA certificates of a text; others are left out.
std::vector<Certificate> rsa_certificates(std::string_view bundle);

// Whether it is one that vouches for others, which no message is signed with.
bool is_authority(const Certificate& certificate);

// "CN=…,OU=…,O=…,C=…": the parts of the issuer's name from the last to the first.
std::string issuer_from_the_end(const Certificate& certificate);

// Nothing when `leaf` is vouched for by one of `roots`, over `middles` where they are needed, and
// all of them are within their dates at `now_us`; else why not. Chains signed with SHA-1 pass: the
// authority that the Chinese channels use still signs so, and the roots here are not the public
// ones but those the operator has named.
std::optional<std::string> chain_fault(const Certificate& leaf,
                                       const std::vector<Certificate>& middles,
                                       const std::vector<Certificate>& roots, UnixUs now_us);

}  // namespace welkin::crypto
