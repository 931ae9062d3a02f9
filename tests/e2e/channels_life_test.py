"""Payments over each real channel's protocol and in each way to pay: a real gateway with the accounts that a
real sandbox has written, whose payers pay by themselves, scan codes and post forms."""

import html
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse

from node import OPERATOR_KEY, Node, call, check, run, wait_until

FORM = "application/x-www-form-urlencoded"


class ChannelNode(Node):
    """A gateway whose accounts the sandbox has made."""

    def start_sandbox(self):
        keys = f"{self.folder}/keys"
        self.accounts = f"{keys}/accounts.toml"
        self.sandbox = self.spawn(
            ["sandbox", "--port", str(self.sandbox_port), "--keys", keys, "--gateway", f"http://127.0.0.1:{self.port}",
             "--auto-pay-ms", "50", "--refund-after-ms", "50", *self.sandbox_options], "sandbox.log")
        wait_until(lambda: self.answers(self.sandbox_port, "/sandbox/control/stats"), "the sandbox answers")
        wait_until(lambda: os.path.exists(self.accounts), "the accounts are written")

    def start_serve(self, wait_ready=True):
        self.serve = self.spawn(["serve", "--config", f"{self.folder}/welkin.toml", "--config", self.accounts], "serve.log")
        if wait_ready:
            wait_until(lambda: self.answers(self.port, "/readyz"), "the gateway is ready", 30)

    def browse(self, action):
        """What the payer's browser does with a redirect or a form, as far as the page it comes to."""
        if action["type"] == "redirect":
            target = urllib.parse.urlsplit(action["value"])
            return call(target.port, "GET", f"{target.path}?{target.query}", headers={"Accept": "text/html"})
        target = urllib.parse.urlsplit(html.unescape(re.search(r'action="([^"]*)"', action["value"]).group(1)))
        fields = {}
        for tag in re.findall(r"<input[^>]*>", action["value"]):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                fields[html.unescape(name.group(1))] = html.unescape(value.group(1))
        return call(target.port, "POST", target.path, urllib.parse.urlencode(fields).encode(), {"Content-Type": FORM})

    def notify(self, account, body, headers):
        return call(self.port, "POST", f"/channels/{account}/notify", body, headers)

    def pending(self):
        return call(self.sandbox_port, "GET", "/orders").json["orders"]


PAYER = {"id": "oTESTpayer", "ip": "203.0.113.7"}
# Channel, way to pay, what the payer has to do, and whether the runtime must be told of the payer.
WAYS = [
    ("wechat_pay", "native", "qr_code", {}),
    ("wechat_pay", "h5", "redirect", {"payer": PAYER}),
    ("wechat_pay", "jsapi", "client_parameters", {"payer": PAYER}),
    ("alipay", "precreate", "qr_code", {}),
    ("alipay", "page", "redirect", {}),
    ("alipay", "wap", "redirect", {}),
    ("union_pay", "qr", "qr_code", {}),
    ("union_pay", "page", "form", {}),
    ("union_pay", "wap", "form", {}),
    ("stripe", "card", "client_secret", {}),
]


def create(node, order_no, channel, method, more=None, **fields):
    more = dict(more or {})
    if method:
        more["method"] = method
    if channel != "stripe":
        more["return_url"] = "http://127.0.0.1:9/back"
    return node.create(order_no, 1000, channel=channel, **more, **fields)


def every_way(node):
    begun = []
    # A payer who is faster than the gateway's answer leaves nothing to do.
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": False}})
    for channel, method, action, more in WAYS:
        created = create(node, f"order-{channel}-{method}", channel, method, more)
        check(created.status == 201, (channel, method, created))
        payment = created.json
        check(payment["next_action"]["type"] == action, (channel, method, payment))
        if action in ("redirect", "form") and channel != "wechat_pay":
            page = node.browse(payment["next_action"])
            check(page.status == 200 and b"/pay" in page.body, (channel, method, page))
        begun.append((channel, method, payment["id"]))
    for order in node.pending():
        call(node.sandbox_port, "POST", f"/orders/{order['out_order_no']}/pay", b"")
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": True}})
    for channel, method, payment_id in begun:
        node.wait_status(payment_id, "PAID")
        types = node.event_types(payment_id)
        check(types[-1] == "payment_paid", (channel, method, types))
        refunded = node.refund(payment_id, "refund-1", 300)
        check(refunded.status in (200, 201), (channel, method, refunded))
    for channel, method, payment_id in begun:
        node.wait_status(payment_id, "PARTIALLY_REFUNDED")
        node.refund(payment_id, "refund-2", 700)
    for channel, method, payment_id in begun:
        whole = node.wait_status(payment_id, "REFUNDED")
        check(whole["refunded_amount"] == 1000, (channel, method, whole))
    stats = call(node.sandbox_port, "GET", "/sandbox/control/stats").json
    check(stats["charged_minor"]["CNY"] == stats["refunded_minor"]["CNY"] == 1000 * len(WAYS), stats)


def lose(node):
    """The call's answer is lost and no callback comes: only asking will find the payment."""
    subject = "Tea [sandbox:garbage][sandbox:callback_missing]"
    for channel in ("wechat_pay", "alipay", "stripe"):
        created = create(node, f"lost-{channel}", channel, "", subject=subject)
        check(created.status in (201, 202), (channel, created))
        node.lost[channel] = created.json["id"]


def found(node):
    for channel, payment_id in node.lost.items():
        node.wait_status(payment_id, "PAID", 40)
        check("payment_unsettled" in node.event_types(payment_id), channel)


def by_hand(node):
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": False}})
    made = {}
    for channel in ("wechat_pay", "alipay", "union_pay", "stripe"):
        made[channel] = create(node, f"by-hand-{channel}", channel, "").json["id"]
    orders = {order["channel"]: order for order in reversed(node.pending())}  # the newest of each
    check(set(orders) == set(made), orders)
    page = call(node.sandbox_port, "GET", "/", headers={"Accept": "text/html"})
    check(page.status == 200 and page.headers["content-type"].startswith("text/html"), page)
    for channel, order in orders.items():
        number = order["out_order_no"]
        check(f"/orders/{number}/pay".encode() in page.body, page.body)
        declined = call(node.sandbox_port, "POST", f"/orders/{number}/decline", b"")
        check(declined.status == 200, declined)
        # As the page's button does it; a payer who has declined may try again.
        paid = call(node.sandbox_port, "POST", f"/orders/{number}/pay", b"", {"Accept": "text/html"})
        check(paid.status == 303, paid)
    for channel, payment_id in made.items():
        node.wait_status(payment_id, "PAID")
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": True}})


def number_of(node, payment_id):
    """The order's number at the channel, as the journal has it."""
    events = node.request("GET", f"/v1/payments/{payment_id}/events").json["items"]
    return next(event["payload"]["channel_order_no"] for event in events if event["type"] == "payment_started")


def at_desk(node, payment_id, what, body=b""):
    answer = call(node.sandbox_port, "POST", f"/orders/{number_of(node, payment_id)}/{what}", body,
                  {"Content-Type": FORM})
    check(answer.status == 200, (what, answer))


def refunds_of(node, payment_id):
    return node.request("GET", f"/v1/payments/{payment_id}/refunds").json["items"]


def eventually(node, payment_id, event_type):
    wait_until(lambda: event_type in node.event_types(payment_id), f"{event_type} is recorded")


def parked(node, payment_id):
    items = node.request("GET", "/admin/v1/parked", key=OPERATOR_KEY).json["items"]
    return [item["reason"] for item in items if item["payment_id"] == payment_id]


def outside(node):
    """The merchant gives back at each channel's own desk, and each tells it, twice where it may."""
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"callback_duplicate_rate": 1})
    made = [create(node, f"desk-{channel}", channel, "").json["id"]
            for channel in ("wechat_pay", "alipay", "union_pay", "stripe")]
    for payment_id in made:
        node.wait_status(payment_id, "PAID")
        at_desk(node, payment_id, "refund", b"amount_minor=300")
    for payment_id in made:
        payment = node.wait_status(payment_id, "PARTIALLY_REFUNDED")
        check(payment["refunded_amount"] == 300, payment)
        refund, = refunds_of(node, payment_id)
        check((refund["origin"], refund["merchant_refund_no"], refund["status"], refund["amount"]) ==
              ("channel", None, "SUCCEEDED", 300), refund)
        check(node.refund(payment_id, "too-much", 701).json["code"] == "amount_exceeds_refundable", payment)
        node.refund(payment_id, "ours", 200)
    for payment_id in made:
        wait_until(lambda: node.payment(payment_id)["refunded_amount"] == 500, "our own refund is made beside it")
        at_desk(node, payment_id, "refund")
    for payment_id in made:
        node.wait_status(payment_id, "REFUNDED")
        events = node.request("GET", f"/v1/payments/{payment_id}/events").json["items"]
        recorded = [event for event in events if event["type"] == "payment_outside_refund_recorded"]
        check(len(recorded) == 2, events)
        alarms = [event for event in events if event["type"] == "payment_report_refused"
                  and event["payload"]["field"] != "callback"]  # the same bytes again are no news of money
        check(not alarms, alarms)
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"callback_duplicate_rate": 0})


def stuck_refunds(node):
    """WeChat calls it ABNORMAL and Stripe requires_action: the merchant hears of it at once, and so does the operator."""
    counted = 'welkin_events_total{type="payment_refund_needs_attention"} %d\n'
    for seen, (channel, code) in enumerate((("wechat_pay", "ABNORMAL"), ("stripe", "requires_action")), 1):
        payment_id = create(node, f"stuck-{channel}", channel, "", subject="Tea [sandbox:refund_stuck]").json["id"]
        node.wait_status(payment_id, "PAID")
        node.refund(payment_id, "refund-1", 300)
        eventually(node, payment_id, "payment_refund_needs_attention")
        refund, = refunds_of(node, payment_id)
        check((refund["status"], refund["attention"]["code"]) == ("PENDING", code), refund)
        check(refund["attention"]["message"], refund)
        wait_until(lambda: any(code in reason for reason in parked(node, payment_id)), "the operator sees it")
        metrics = node.request("GET", "/metrics", key=None).body.decode()
        check(counted % seen in metrics, metrics)
        at_desk(node, payment_id, "settle_refunds")
        node.wait_status(payment_id, "PARTIALLY_REFUNDED")
        refund, = refunds_of(node, payment_id)
        check((refund["status"], refund["attention"]) == ("SUCCEEDED", None), refund)
        wait_until(lambda: not parked(node, payment_id), "nobody has to see to it any more")
        check(node.event_types(payment_id).count("payment_refund_needs_attention") == 1, payment_id)


def failed_authentication(node):
    """A payer who fails his authentication, and one who goes on to pay with what he was given."""
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": False}})
    payment = create(node, "failed-3ds", "stripe", "", return_url="http://127.0.0.1:9/back",
                     payer={"instrument": "pm_card_authenticationRequired"}).json
    payment_id = payment["id"]
    check((payment["status"], payment["next_action"]["type"]) == ("PAYING", "redirect"), payment)
    at_desk(node, payment_id, "decline")
    failed = node.wait_status(payment_id, "FAILED")
    check(failed["failure"]["code"] == "payment_intent_authentication_failure", failed)
    check(failed["failure"]["message"] and failed["next_action"] is None, failed)
    number = number_of(node, payment_id)

    def cancelled():
        orders = call(node.sandbox_port, "GET", "/sandbox/control/orders?limit=20").json["orders"]
        return any(order["out_order_no"] == number and order["status"] == "CLOSED" for order in orders)

    wait_until(cancelled, "nobody can pay it another way")
    payment_id = create(node, "tried-again", "stripe", "").json["id"]
    at_desk(node, payment_id, "decline")
    check(node.payment(payment_id)["next_action"]["type"] == "client_secret", "the payer may try again")
    at_desk(node, payment_id, "pay")
    node.wait_status(payment_id, "PAID")
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": True}})


def paid_twice(node):
    """Alipay takes two payments of one order. The second is given back and the first is kept."""
    payment_id = create(node, "paid-twice", "alipay", "").json["id"]
    node.wait_status(payment_id, "PAID")
    number = number_of(node, payment_id)
    at_desk(node, payment_id, "pay_again")
    eventually(node, payment_id, "payment_surplus_refunded")
    orders = call(node.sandbox_port, "GET", "/sandbox/control/orders?limit=20").json["orders"]
    given_back = {order["out_order_no"]: order["refunded_minor"] for order in orders
                  if order["out_order_no"].startswith(number)}
    check(given_back == {number: 0, number + "D2": 1000}, given_back)
    check(node.payment(payment_id)["status"] == "PAID", payment_id)


def documented(node, answer):
    """Whether /openapi.json has this answer to a callback: its status, its type, and a plain word itself."""
    operation = node.request("GET", "/openapi.json", key=None).json["paths"]["/channels/{account}/notify"]["post"]
    content = operation["responses"].get(str(answer.status), {}).get("content", {})
    schema = content.get(answer.headers["content-type"])
    plain = answer.headers["content-type"] == "text/plain"
    return schema is not None and (not plain or answer.body.decode() in schema["schema"]["enum"])


SPOOFED = {name: "203.0.113.66" for name in ("X-Forwarded-For", "X-Real-IP", "REMOTE_ADDR")}
SPOOFED["Forwarded"] = "for=203.0.113.66"


def impossible(node):
    """What no account could be asked for is refused with the field; the order number stays free."""
    for channel, field, fields in [
            ("wechat_pay", "/method", {"method": "front"}),
            ("wechat_pay", "/payer/id", {"method": "jsapi"}),
            ("wechat_pay", "/currency", {"currency": "USD"}),
            ("alipay", "/capture", {"capture": "manual"}),
            ("union_pay", "/method", {"method": "front"}),
            ("stripe", "/amount", {"currency": "KWD", "amount": 101}),
            ("sandbox", "/method", {"method": "native"})]:
        body = {"merchant_order_no": "bent", "amount": 1000, "currency": "CNY", "channel": channel,
                "subject": "Tea", **fields}
        answer = node.request("POST", "/v1/payments", body)
        check((answer.status, answer.json["code"], answer.json["field"]) == (400, "invalid_value", field),
              f"{channel} {fields}: {answer.status} {answer.body}")
    listed = node.request("GET", "/v1/payments?merchant_order_no=bent").json
    check(listed["items"] == [], listed)
    check(create(node, "bent", "wechat_pay", "native").json["status"] == "PAYING", "the number is free")


def defaults(node):
    """The default way to pay, left out or spelled out, is one order and under a key one request."""
    for channel, method in [("wechat_pay", "native"), ("alipay", "precreate"), ("union_pay", "qr")]:
        for first, second in (("", method), (method, "")):
            order_no, key = f"default-{channel}-{first}", {"headers": {"Idempotency_Key": f"{channel}-{first}"}}
            created = create(node, order_no, channel, first, **key)
            check(created.status == 201 and created.json["method"] == method, (channel, created))
            again = create(node, order_no, channel, second)
            check(again.status == 200 and again.json["id"] == created.json["id"], (channel, again))
            replayed = create(node, order_no, channel, second, **key)
            check((replayed.status, replayed.body) == (201, created.body), (channel, replayed))


def configured_away(node):
    """An order of a channel that is gone from the configuration is answered as before; a new one is refused."""
    key = {"headers": {"Idempotency_Key": "before-it-went"}}
    created = create(node, "away", "stripe", "card", **key)
    check(created.status == 201, created)
    node.wait_status(created.json["id"], "PAID")
    check(node.stop_serve() == 0, "a clean exit")
    with open(node.accounts, encoding="utf-8") as file:
        whole = file.read()
    kept = [part for part in whole.split("[[channel.account]]") if 'kind = "stripe"' not in part]
    check(len(kept) == whole.count("[[channel.account]]"), whole)
    all_of_them, node.accounts = node.accounts, f"{node.folder}/fewer.toml"
    with open(node.accounts, "w", encoding="utf-8") as file:
        file.write("[[channel.account]]".join(kept))
    node.start_serve()
    again = create(node, "away", "stripe", "card")
    check(again.status == 200 and again.json["status"] == "PAID", again)
    replayed = create(node, "away", "stripe", "card", **key)
    check((replayed.status, replayed.body) == (201, created.body), replayed)
    other = create(node, "away", "stripe", "card", metadata={"cart": "8"})
    check(other.json["code"] == "order_exists_with_other_body", other)
    refused = create(node, "away-2", "stripe", "card")
    check((refused.status, refused.json["code"], refused.json["field"]) == (400, "unknown_channel", "/channel"), refused)
    check(node.stop_serve() == 0, "a clean exit")
    node.accounts = all_of_them
    node.start_serve()


def strangers(node):
    """What no channel has signed, and what is too large to be read, is refused in each channel's own words, counted
    by its reason, and moves nothing."""
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": False}})
    wanted = {
        "wechat_pay": (500, b"FAIL", b'{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{}}', "application/json"),
        "alipay": (400, b"fail", b"notify_id=1&trade_status=TRADE_SUCCESS&sign=AAAA&sign_type=RSA2", FORM),
        "union_pay": (400, b"fail", b"txnType=01&respCode=00&signMethod=01&signature=AAAA", FORM),
        "stripe": (500, b"false", b'{"id":"evt_1","object":"event"}', "application/json"),
    }
    for channel, (status, words, body, content_type) in wanted.items():
        payment_id = create(node, f"strange-{channel}", channel, "").json["id"]
        for sent in (body, body + b" " * 65_536):  # a byte above the limit of 64 KiB, at least
            answer = node.notify(f"{channel}_main", sent, {"Content-Type": content_type, **SPOOFED})
            check(answer.status == status and words in answer.body and documented(node, answer), (channel, answer))
        check(node.payment(payment_id)["status"] == "PAYING", channel)
        metrics = node.request("GET", "/metrics", key=None).body.decode()
        counted = f'welkin_channel_callbacks_refused_total{{account="{channel}_main",reason="body_too_large"}} 1\n'
        check(counted in metrics, (channel, metrics))
    with open(f"{node.folder}/serve.log", encoding="utf-8") as log:
        logged = log.read()
    check("callback" in logged and "203.0.113.66" not in logged, logged)
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"auto_pay": {"enabled": True}})


def lies(node):
    """A forged callback and one with a wrong amount go ahead of each true one."""
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave",
         {"callback_forged_rate": 1, "callback_wrong_amount_rate": 1, "callback_duplicate_rate": 1})
    made = [create(node, f"lied-{channel}", channel, "").json["id"]
            for channel in ("wechat_pay", "alipay", "union_pay", "stripe")]
    for payment_id in made:
        paid = node.wait_status(payment_id, "PAID")
        check(paid["captured_amount"] == 1000, paid)
        types = node.event_types(payment_id)
        check(types.count("payment_paid") == 1, types)
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave",
         {"callback_forged_rate": 0, "callback_wrong_amount_rate": 0, "callback_duplicate_rate": 0})


def counted(node, name, account, reason):
    metrics = node.request("GET", "/metrics", key=None).body.decode()
    found = re.search(rf'^welkin_channel_callbacks_{name}_total{{account="{account}",reason="{reason}"}} (\d+)$', metrics, re.M)
    return int(found.group(1)) if found else 0


def strange_news(node):
    """Genuine events about nothing of ours, and the same bytes twice: taken, counted, and nothing comes of them."""
    refusals = [(account, reason) for account in ("stripe_main", "wechat_pay_main")
                for reason in ("repeated_nonce", "wrong_account", "malformed_callback", "not_found", "invalid_value")]
    before = {key: counted(node, "refused", *key) for key in refusals}
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"callback_strange_rate": 1, "callback_duplicate_rate": 1})
    stripe = create(node, "beside-strangers", "stripe", "").json["id"]
    node.wait_status(stripe, "PAID")
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"callback_strange_rate": 0})
    wechat = create(node, "told-twice", "wechat_pay", "").json["id"]
    node.wait_status(wechat, "PAID")
    for reason in ("foreign_order", "unknown_payment", "other_account", "other_mode", "thin_event"):
        check(counted(node, "ignored", "stripe_main", reason) == 1, reason)
    for account in ("stripe_main", "wechat_pay_main"):
        wait_until(lambda known=account: counted(node, "ignored", known, "repeated") >= 1, f"{account}: the same bytes again")
    check({key: counted(node, "refused", *key) for key in refusals} == before, before)
    for payment_id in (stripe, wechat):
        types = node.event_types(payment_id)
        check(types.count("payment_paid") == 1 and "payment_report_refused" not in types, types)
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"callback_duplicate_rate": 0})


def in_gbk(node):
    """Alipay's answers in GBK are believed: an order is asked for, paid and given back."""
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"gbk_rate": 1, "callback_missing_rate": 1})
    payment_id = create(node, "in-gbk", "alipay", "precreate").json["id"]
    node.wait_status(payment_id, "PAID")
    check(node.refund(payment_id, "refund-1", 300).status in (200, 201), "a refund in GBK")
    node.wait_status(payment_id, "PARTIALLY_REFUNDED")
    check("payment_unsettled" not in node.event_types(payment_id), node.event_types(payment_id))
    call(node.sandbox_port, "PUT", "/sandbox/control/misbehave", {"gbk_rate": 0, "callback_missing_rate": 0})


VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "keys"


def bad_accounts(node):
    """An account of each kind with a key or a certificate that is no good: the start is refused with exit code 2,
    and each is named by its place in the file, its field and its own file."""
    keys, request = f"{node.folder}/keys", f"{node.folder}/request.pem"
    expired, own_key = f"{node.folder}/expired.pem", f"{keys}/union_pay_merchant_key.test.pem"
    for command in (["req", "-new", "-key", own_key, "-subj", "/CN=expired", "-out", request],
                    ["x509", "-req", "-in", request, "-signkey", own_key, "-days", "-1", "-out", expired]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    wrong = {
        "sandbox": ("secret_file", "/nowhere/secret", "cannot be read"),
        "wechat_pay": ("private_key_file", "/nowhere/key.pem", "cannot be read"),
        "alipay": ("private_key_file", str(VECTORS / "rsa_1024.TESTONLY.pem"), "wrong_size"),
        "union_pay": ("certificate_file", expired, "expired"),
        "stripe": ("secret_key_file", "/nowhere/key", "cannot be read"),
    }
    path = f"{node.folder}/bad.toml"
    with open(node.accounts, encoding="utf-8") as good, open(path, "w", encoding="utf-8") as bad:
        kind, expected = None, []
        for number, line in enumerate(good, 1):
            key, _, value = line.rstrip("\n").partition(" = ")
            kind = json.loads(value) if key == "kind" else kind
            if kind in wrong and key == wrong[kind][0]:
                _, file, why = wrong[kind]
                line = f"{key} = {json.dumps(file)}\n"
                expected.append((f"welkin: {path}:{number}: channel.account.{key} ", why, file))
            bad.write(line)
    check(len(expected) == len(wrong), expected)

    def serve(accounts, *options):
        config = ["--config", f"{node.folder}/welkin.toml", "--config", accounts]
        return subprocess.run([node.welkin, "serve", *config, *options], capture_output=True, text=True, timeout=30,
                              check=False)

    for options in ([], ["--check-config"]):
        refused = serve(path, *options)
        check(refused.returncode == 2 and refused.stdout == "", refused)
        lines = refused.stderr.splitlines()
        check(len(lines) == len(expected), refused)
        for line, (place, why, file) in zip(lines, expected):
            check(line.startswith(place) and why in line and file in line, (line, place, why, file))
    check(serve(node.accounts, "--check-config").returncode == 0, "the accounts as they were are good")


def pfx_account(node):
    """A pfx under 40-bit RC2, as UnionPay issues it, is taken; with another password it is refused for that reason."""
    with open(node.accounts, encoding="utf-8") as file:
        accounts = file.read()
    kind = accounts.index('kind = "union_pay"')
    end = accounts.find("[[", kind)
    end = len(accounts) if end < 0 else end
    kept = [line for line in accounts[kind:end].splitlines()
            if not line.startswith(("private_key_file", "certificate_file"))]
    password = f"{node.folder}/pfx-password"
    path = f"{node.folder}/pfx.toml"
    with open(path, "w", encoding="utf-8") as file:
        added = [f"pfx_file = {json.dumps(str(VECTORS / 'unionpay_merchant_rc2.TESTONLY.pfx'))}",
                 f"pfx_password_file = {json.dumps(password)}"]
        file.write("\n".join([accounts[:kind], *kept, *added, accounts[end:]]))
    for word, code in (("000000", 0), ("000001", 2)):
        with open(password, "w", encoding="utf-8") as file:
            file.write(word + "\n")
        checked = subprocess.run(
            [node.welkin, "serve", "--config", f"{node.folder}/welkin.toml", "--config", path, "--check-config"],
            capture_output=True, text=True, timeout=30, check=False)
        check(checked.returncode == code, checked)
        check(("wrong_password" in checked.stderr) == (code == 2), checked)


PARTS = [
    ("each way to pay of each channel is paid by callback and refunded in parts", every_way),
    ("orders are taken and their answers lost", lose),
    ("lies that go ahead of the truth are seen through", lies),
    ("genuine news of nothing of ours and the same news twice are taken, and nothing comes of them", strange_news),
    ("Alipay's answers in GBK are believed", in_gbk),
    ("what no account could be asked for is refused and leaves nothing behind", impossible),
    ("a default is the same order, left out or spelled out", defaults),
    ("an order is known again when its channel is configured away", configured_away),
    ("what no channel has signed is refused in each channel's own words", strangers),
    ("orders are declined and paid by hand", by_hand),
    ("what is given back at a channel's own desk is recorded once and counts", outside),
    ("a refund that needs somebody is named and listed until it settles", stuck_refunds),
    ("a payer who fails his authentication fails the payment", failed_authentication),
    ("a second payment of one order is given back by its own number", paid_twice),
    ("accounts that could not work stop the start, each by its field and its file", bad_accounts),
    ("a pfx as UnionPay issues it is taken", pfx_account),
    ("what was lost is found by asking", found),
]


def life(welkin):
    with ChannelNode(welkin) as node:
        node.lost = {}
        for claim, part in PARTS:
            started = time.monotonic()
            part(node)
            print(f"     {claim} ({time.monotonic() - started:.1f} s)", flush=True)


run([("payments over each real channel's protocol", life)])
