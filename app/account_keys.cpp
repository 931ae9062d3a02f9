// The keys of [[channel.account]]: those of every account, then those of each kind's own.
#include "app/config_keys.hpp"

namespace welkin::config_keys {
namespace {

#define WELKIN_ACCOUNT(path) [](ChannelAccountSection& in) -> Target { return &in.path; }

using At = Target (*)(ChannelAccountSection&);

KeySpec key_of(std::string_view name, std::string_view unit, At at, std::string_view help) {
  KeySpec key{Section::account, name, unit, help};
  key.account_target = at;
  return key;
}
KeySpec checked(KeySpec key, Check check, std::string_view choices = {}) {
  key.check = check;
  key.choices = choices;
  return key;
}
KeySpec number(std::string_view name, std::string_view unit, At at, std::int64_t min,
               std::int64_t max, std::string_view help) {
  KeySpec key = key_of(name, unit, at, help);
  key.min = min;
  key.max = max;
  return key;
}
KeySpec in_words(KeySpec key, std::string_view default_words) {
  key.default_words = default_words;
  return key;
}
KeySpec required(KeySpec key) {
  key.required = true;
  return key;
}
KeySpec only(std::string_view kinds, KeySpec key) {
  key.kinds = kinds;
  return key;
}

void add_common(std::vector<KeySpec>& all) {
  all.push_back(required(checked(
      key_of("name", "text", WELKIN_ACCOUNT(name),
             "The account's name in the journal, in metrics and in its callbacks' URL; never "
             "changed while payments refer to it. Letters, digits, `_`, `-` and `.`, at most 64."),
      Check::identifier)));
  all.push_back(required(
      checked(key_of("kind", "word", WELKIN_ACCOUNT(kind), "Whose protocol the account speaks."),
              Check::one_of, "sandbox|wechat_pay|alipay|union_pay|stripe")));
  all.push_back(in_words(checked(key_of("serves", "text", WELKIN_ACCOUNT(serves),
                                        "The channel that payments name to be served by it."),
                                 Check::identifier),
                         "the kind's name"));
  all.push_back(number("priority", "number", WELKIN_ACCOUNT(priority), 1, 1'000,
                       "Accounts of a lower number are asked before those of a higher one."));
  all.push_back(number("weight", "number", WELKIN_ACCOUNT(weight), 0, 1'000,
                       "Its share of the payments among accounts of the same priority; 0: only "
                       "when no other is left."));
  all.push_back(
      in_words(checked(key_of("base_url", "URL", WELKIN_ACCOUNT(base_url), "Where the channel is."),
                       Check::http_url),
               "the channel's own address; required for the sandbox"));
  all.push_back(in_words(
      only("sandbox|wechat_pay|alipay|union_pay",
           checked(key_of("notify_url", "URL", WELKIN_ACCOUNT(notify_url),
                          "Where the channel sends its callbacks: this server's "
                          "`/channels/NAME/notify` as the channel reaches it. Stripe is told at "
                          "Stripe."),
                   Check::http_url)),
      "none; required but for the sandbox"));
  all.push_back(number(
      "timeout_ms", "ms", WELKIN_ACCOUNT(timeout_ms), 10, 14'000,
      "How long one call may take; after that its outcome is unknown and is queried. Below the "
      "15 s after which an unanswered call is asked about."));
  all.push_back(number("connect_timeout_ms", "ms", WELKIN_ACCOUNT(connect_timeout_ms), 10, 14'000,
                       "How long connecting may take, TLS included."));
  all.push_back(number("max_in_flight", "calls", WELKIN_ACCOUNT(max_in_flight), 1, 100'000,
                       "Calls under way at one time; one more is refused at once, and a new order "
                       "goes to the next account."));
  all.push_back(in_words(key_of("ca_file", "path", WELKIN_ACCOUNT(ca_file),
                                "PEM file of the authorities that vouch for the channel's server."),
                         "the system's"));
}

void add_breaker(std::vector<KeySpec>& all) {
  constexpr std::int64_t day_ms = 86'400'000;
  all.push_back(key_of("window", "seconds such as 20s, or a number of calls",
                       WELKIN_ACCOUNT(breaker.window),
                       "What the circuit breaker judges: the calls of the last seconds, or the "
                       "last calls."));
  all.push_back(number("minimum_calls", "calls", WELKIN_ACCOUNT(breaker.minimum_calls), 1, 10'000,
                       "Fewer calls in the window open no breaker."));
  all.push_back(number("failure_percent", "percent", WELKIN_ACCOUNT(breaker.failure_percent), 1,
                       100, "The share of failed calls that opens the breaker."));
  all.push_back(number("slow_percent", "percent", WELKIN_ACCOUNT(breaker.slow_percent), 1, 100,
                       "The share of slow calls that opens the breaker."));
  all.push_back(number("slow_call_ms", "ms", WELKIN_ACCOUNT(breaker.slow_call_ms), 1, day_ms,
                       "A call that takes longer is slow."));
  all.push_back(number("open_ms", "ms", WELKIN_ACCOUNT(breaker.open_ms), 1, day_ms,
                       "How long the breaker refuses calls the first time it opens."));
  all.push_back(number("open_growth_percent", "percent",
                       WELKIN_ACCOUNT(breaker.open_growth_percent), 100, 1'000,
                       "By what that time is multiplied each further time in a row."));
  all.push_back(number("max_open_ms", "ms", WELKIN_ACCOUNT(breaker.max_open_ms), 1, day_ms,
                       "The longest it grows to."));
  all.push_back(number("probes", "calls", WELKIN_ACCOUNT(breaker.probes), 1, 1'000,
                       "Calls that try whether the channel is back."));
  all.push_back(number("ramp_ms", "ms", WELKIN_ACCOUNT(breaker.ramp_ms), 0, day_ms,
                       "How long it takes from the probes' success until all calls go through."));
  all.push_back(number("ramp_start_percent", "percent", WELKIN_ACCOUNT(breaker.ramp_start_percent),
                       1, 100,
                       "The share of calls that go through at the beginning of that time."));
}

void add_of_several_kinds(std::vector<KeySpec>& all) {
  all.push_back(only("wechat_pay|alipay",
                     key_of("app_id", "text", WELKIN_ACCOUNT(app_id), "The application's id.")));
  all.push_back(
      only("wechat_pay|union_pay", key_of("merchant_id", "text", WELKIN_ACCOUNT(merchant_id),
                                          "The merchant's number at the channel (mchid, merId).")));
  all.push_back(only("wechat_pay|alipay|union_pay",
                     key_of("private_key_file", "path", WELKIN_ACCOUNT(private_key_file),
                            "PEM file of the RSA key, of 2048 bits or more, that signs our "
                            "requests. No passphrase.")));
  all.push_back(only("wechat_pay|alipay|union_pay",
                     key_of("certificate_file", "path", WELKIN_ACCOUNT(certificate_file),
                            "PEM file of the certificate of that key. Alipay: in certificate mode "
                            "only. UnionPay: unless there is a pfx file.")));
  all.push_back(only("wechat_pay|alipay",
                     key_of("platform_certificate_files", "list of paths",
                            WELKIN_ACCOUNT(platform_certificate_files),
                            "PEM files of the channel's own certificates, whose signatures are "
                            "believed; several while they change.")));
  all.push_back(only("wechat_pay|alipay",
                     key_of("public_key_files", "list of paths", WELKIN_ACCOUNT(public_key_files),
                            "PEM files of the channel's public keys, in public-key mode. Alipay "
                            "has one.")));
  all.push_back(only("alipay|union_pay",
                     key_of("root_certificate_file", "path", WELKIN_ACCOUNT(root_certificate_file),
                            "PEM file of the channel's root certificates. Alipay: in certificate "
                            "mode only.")));
}

void add_of_one_kind(std::vector<KeySpec>& all) {
  all.push_back(
      only("wechat_pay", key_of("public_key_ids", "list of texts", WELKIN_ACCOUNT(public_key_ids),
                                "The ids, `PUB_KEY_ID_…`, of the public keys in the same order.")));
  all.push_back(
      only("wechat_pay", key_of("api_v3_key_file", "path", WELKIN_ACCOUNT(api_v3_key_file),
                                "A file whose first line is the APIv3 key, 32 characters.")));
  all.push_back(only(
      "wechat_pay",
      checked(key_of("certificate_download", "word", WELKIN_ACCOUNT(certificate_download),
                     "Whether WeChat's certificates are fetched at start, twice a day, and when a "
                     "message is signed with one that is not known. `auto`: when neither "
                     "certificates nor public keys are configured."),
              Check::one_of, "auto|on|off")));
  all.push_back(only("alipay", key_of("seller_id", "16 digits", WELKIN_ACCOUNT(seller_id),
                                      "The 2088… number that callbacks must name.")));
  all.push_back(
      only("union_pay", key_of("pfx_file", "path", WELKIN_ACCOUNT(pfx_file),
                               "The merchant's key and certificate as UnionPay issues them.")));
  all.push_back(
      only("union_pay", key_of("pfx_password_file", "path", WELKIN_ACCOUNT(pfx_password_file),
                               "A file whose first line is the pfx file's password.")));
  all.push_back(only("union_pay", key_of("middle_certificate_file", "path",
                                         WELKIN_ACCOUNT(middle_certificate_file),
                                         "PEM file of UnionPay's intermediate certificates.")));
  all.push_back(
      only("union_pay", key_of("secure_key_file", "path", WELKIN_ACCOUNT(secure_key_file),
                               "A file whose first line is the shared secret, for signMethod 11 "
                               "instead of certificates.")));
  all.push_back(
      only("union_pay", checked(key_of("return_url", "URL", WELKIN_ACCOUNT(return_url),
                                       "Where payers go back to whose payment does not say where."),
                                Check::http_url)));
  all.push_back(only("union_pay",
                     key_of("test_environment", "true or false", WELKIN_ACCOUNT(test_environment),
                            "Believe the certificates of UnionPay's test world.")));
  all.push_back(only("union_pay",
                     key_of("undo_same_day", "true or false", WELKIN_ACCOUNT(undo_same_day),
                            "Whether a whole refund on the settlement day undoes the payment.")));
  all.push_back(only("stripe", key_of("secret_key_file", "path", WELKIN_ACCOUNT(secret_key_file),
                                      "A file whose first line is the secret key, sk_… or rk_….")));
  all.push_back(only("stripe", key_of("webhook_secret_files", "list of paths",
                                      WELKIN_ACCOUNT(webhook_secret_files),
                                      "Files whose first line is a secret, whsec_…, of the "
                                      "webhook's endpoint; several while one is rolled.")));
  all.push_back(only("stripe", in_words(key_of("api_version", "text", WELKIN_ACCOUNT(api_version),
                                               "Stripe's version to speak."),
                                        "the one Welkin is tested with")));
  KeySpec secret = only("sandbox", key_of("secret", "text", WELKIN_ACCOUNT(secret),
                                          "The secret that signs requests and callbacks."));
  secret.secret = true;
  all.push_back(in_words(secret, "none; this or `secret_file` is required"));
  all.push_back(only("sandbox", key_of("secret_file", "path", WELKIN_ACCOUNT(secret_file),
                                       "A file whose first line is the secret.")));
}

#undef WELKIN_ACCOUNT

}  // namespace

void add_accounts(std::vector<KeySpec>& all) {
  add_common(all);
  add_breaker(all);
  add_of_several_kinds(all);
  add_of_one_kind(all);
}

}  // namespace welkin::config_keys
