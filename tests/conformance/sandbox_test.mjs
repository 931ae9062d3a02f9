// The channels' own libraries as clients of `welkin sandbox`: what they send its desks understand,
// and what these answer and call back they believe. That makes a sandbox a true stand-in, and not
// merely the other half of our own reading.
import assert from 'node:assert';
import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { sdk } from './peer.mjs';
import { Sandbox, listen } from './sandbox.mjs';

const { Aes, Formatter, Rsa, Wechatpay } = sdk('wechatpay-axios-plugin');
const alipayPackage = sdk('alipay-sdk');
const AlipaySdk = alipayPackage.AlipaySdk ?? alipayPackage.default ?? alipayPackage;
const stripePackage = sdk('stripe');
const Stripe = stripePackage.default ?? stripePackage.Stripe ?? stripePackage;

let sandbox;
let receiver;
let prefixer;
let received;
let waiting;
const key = (name) => sandbox.key(name);
const pay = (number) => sandbox.act(number, 'pay');

/** The next callback, whose acknowledgement Alipay's own word is: no other channel reads it. */
const nextCallback = () => new Promise((resolve) => {
  if (received.length > 0) resolve(received.shift());
  else waiting.push(resolve);
});

before(async () => {
  received = [];
  waiting = [];
  receiver = await listen((request, body, answer) => {
    answer.end('success');
    const callback = { path: request.url, headers: request.headers, body: body.toString() };
    if (waiting.length > 0) waiting.shift()(callback);
    else received.push(callback);
  });
  sandbox = await Sandbox.start(`http://127.0.0.1:${receiver.address().port}`);
  // Stripe's library knows a host and a port and no path before /v1.
  prefixer = await listen((request, body, answer) => {
    const headers = { ...request.headers, 'content-length': body.length };
    const passed = http.request(`${sandbox.url}/stripe${request.url}`, { method: request.method, headers }, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    passed.end(body);
  });
});

after(() => {
  sandbox?.stop();
  for (const server of [receiver, prefixer]) {
    server?.close();
    server?.closeAllConnections?.();
  }
});

test('wechatpay-axios-plugin orders, asks, refunds and closes, and believes what it is told', async () => {
  const notify_url = `http://127.0.0.1:${receiver.address().port}/wechat`;
  const merchant = new X509Certificate(key('wechat_merchant_certificate'));
  const platform = new X509Certificate(key('wechat_platform_certificate'));
  const client = new Wechatpay({
    mchid: '1900000001', serial: merchant.serialNumber, privateKey: key('wechat_merchant_key'),
    certs: { [platform.serialNumber]: key('wechat_platform_certificate') },
  });
  client.client.v3.defaults.baseURL = `${sandbox.url}/wechat_pay/`;
  const call = async (method, url, data, config) => (await client.client.v3.request({ method, url, data, ...config }));
  const order = (number) => ({
    appid: 'wx00000000000test1', mchid: '1900000001', description: '测试商品 A&B', out_trade_no: number, notify_url,
    amount: { total: 101, currency: 'CNY' },
  });
  const made = await call('post', 'v3/pay/transactions/native', order('SDKWECHAT0001'));
  assert.match(made.data.code_url, /^weixin:/);
  await pay('SDKWECHAT0001');

  const callback = await nextCallback();
  const { 'wechatpay-timestamp': at, 'wechatpay-nonce': nonce, 'wechatpay-signature': signature } = callback.headers;
  assert(Rsa.verify(Formatter.response(at, nonce, callback.body), signature, Rsa.from(key('wechat_platform_certificate'), Rsa.KEY_TYPE_PUBLIC)));
  const { resource } = JSON.parse(callback.body);
  const paid = JSON.parse(Aes.AesGcm.decrypt(resource.ciphertext, key('wechat_api_v3_key'), resource.nonce, resource.associated_data));
  assert.strictEqual(paid.trade_state, 'SUCCESS');
  assert.strictEqual(paid.amount.total, 101);

  const asked = await call('get', 'v3/pay/transactions/out-trade-no/SDKWECHAT0001', undefined, { params: { mchid: '1900000001' } });
  assert.strictEqual(asked.data.transaction_id, paid.transaction_id);
  const refund = await call('post', 'v3/refund/domestic/refunds', {
    transaction_id: paid.transaction_id, out_refund_no: 'SDKREFUND0001', notify_url, amount: { refund: 50, total: 101, currency: 'CNY' },
  });
  assert.strictEqual(refund.data.status, 'PROCESSING');
  assert.strictEqual(JSON.parse((await nextCallback()).body).event_type, 'REFUND.SUCCESS');
  await call('post', 'v3/pay/transactions/native', order('SDKWECHAT0002'));
  const closed = await call('post', 'v3/pay/transactions/out-trade-no/SDKWECHAT0002/close', { mchid: '1900000001' });
  assert.strictEqual(closed.status, 204);
  await assert.rejects(call('post', 'v3/pay/transactions/native', { ...order('SDKWECHAT0003'), amount: { total: 0 } }), (fault) => fault.response.status === 400);
});

for (const mode of ['public key', 'certificates']) {
  test(`alipay-sdk with a ${mode} orders, asks, refunds and believes what it is told`, async () => {
    const number = `SDKALIPAY${mode === 'certificates' ? 2 : 1}`;
    const client = new AlipaySdk({
      appId: '2021000000000001', gateway: `${sandbox.url}/alipay/gateway.do`, keyType: 'PKCS8', privateKey: key('alipay_app_key'),
      ...(mode === 'certificates' ? {
        appCertContent: key('alipay_app_certificate'), alipayPublicCertContent: key('alipay_certificate'), alipayRootCertContent: key('alipay_root_certificate'),
      } : { alipayPublicKey: key('alipay_public_key') }),
    });
    const call = (method, bizContent, more = {}) => client.exec(method, { bizContent, ...more }, { validateSign: true });
    const made = await call('alipay.trade.precreate', {
      out_trade_no: number, total_amount: '1.01', subject: '测试商品', product_code: 'FACE_TO_FACE_PAYMENT',
    }, { notifyUrl: `http://127.0.0.1:${receiver.address().port}/alipay` });
    assert.strictEqual(made.code, '10000', JSON.stringify(made));
    const before = await call('alipay.trade.query', { out_trade_no: number });
    assert.strictEqual(before.subCode, 'ACQ.TRADE_NOT_EXIST');
    await pay(number);
    const callback = Object.fromEntries(new URLSearchParams((await nextCallback()).body));
    assert(client.checkNotifySignV2(callback));
    assert.strictEqual(callback.trade_status, 'TRADE_SUCCESS');
    assert(!client.checkNotifySignV2({ ...callback, total_amount: '0.01' }));
    const refund = await call('alipay.trade.refund', { out_trade_no: number, refund_amount: '0.50', out_request_no: `${number}R` });
    assert.strictEqual(refund.fundChange, 'Y');
    assert.strictEqual((await nextCallback()).path, '/alipay');
    const asked = await call('alipay.trade.fastpay.refund.query', { out_trade_no: number, out_request_no: `${number}R` });
    assert.strictEqual(asked.refundStatus, 'REFUND_SUCCESS');
  });
}

test("stripe's library makes, captures, refunds and finds, and believes the events", async () => {
  const client = new Stripe(key('stripe_secret_key'), {
    host: '127.0.0.1', port: prefixer.address().port, protocol: 'http', telemetry: false, maxNetworkRetries: 0,
  });
  const event = async () => {
    const { headers, body } = await nextCallback();
    return client.webhooks.constructEvent(body, headers['stripe-signature'], key('stripe_webhook_secret'));
  };
  const order = { amount: 101, currency: 'usd', capture_method: 'manual', metadata: { order_no: 'SDKSTRIPE0001' } };
  const made = await client.paymentIntents.create(order, { idempotencyKey: 'key-1' });
  assert.strictEqual(made.status, 'requires_payment_method');
  assert.strictEqual((await client.paymentIntents.create(order, { idempotencyKey: 'key-1' })).id, made.id);
  await assert.rejects(client.paymentIntents.create({ ...order, amount: 102 }, { idempotencyKey: 'key-1' }), (fault) => fault.type === 'StripeIdempotencyError');
  await assert.rejects(client.paymentIntents.confirm(made.id, { payment_method: 'pm_card_chargeDeclined' }), (fault) => fault.type === 'StripeCardError' && fault.code === 'card_declined');
  assert.strictEqual((await event()).type, 'payment_intent.payment_failed');
  const held = await client.paymentIntents.confirm(made.id, { payment_method: 'pm_card_visa' });
  assert.strictEqual(held.status, 'requires_capture');
  assert.strictEqual((await event()).type, 'payment_intent.amount_capturable_updated');
  const captured = await client.paymentIntents.capture(made.id, { amount_to_capture: 90 });
  assert.strictEqual(captured.amount_received, 90);
  const paid = await event();
  assert.strictEqual(paid.type, 'payment_intent.succeeded');
  assert.strictEqual(paid.data.object.metadata.order_no, 'SDKSTRIPE0001');
  const refund = await client.refunds.create({ payment_intent: made.id, amount: 50, metadata: { refund_no: 'SDKREFUND0002' } });
  assert.strictEqual(refund.status, 'pending');
  assert.strictEqual((await event()).data.object.status, 'succeeded');
  const found = await client.paymentIntents.search({ query: "metadata['order_no']:'SDKSTRIPE0001'" });
  assert.deepStrictEqual(found.data.map((intent) => intent.id), [made.id]);
  assert.strictEqual((await client.refunds.list({ payment_intent: made.id })).data[0].metadata.refund_no, 'SDKREFUND0002');
  await assert.rejects(client.paymentIntents.retrieve('pi_nosuchintent'), (fault) => fault.code === 'resource_missing');
  await assert.rejects(new Stripe('sk_test_another', { host: '127.0.0.1', port: prefixer.address().port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 }).paymentIntents.retrieve(made.id),
    (fault) => fault.type === 'StripeAuthenticationError');
});
