// Stripe between our wire format and its own library. Requests bear no signature, so the library is
// the reference as a client: what it sends for the same parameters is what we must send. Webhooks it
// signs are believed, and those it would refuse are refused. It lets timestamps of the future pass
// and we do not.
import assert from 'node:assert';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { WirePeer, sdk, tampered } from './peer.mjs';

const stripePackage = sdk('stripe');
const Stripe = stripePackage.default ?? stripePackage.Stripe ?? stripePackage;

const now = 1767225600;
const secret = 'whsec_TESTONLY0123456789abcdefghijklmnop';
const oldSecret = 'whsec_TESTONLYrotated0000000000000000000';
const apiVersion = '2026-10-28.endive';
const intentId = 'pi_TESTONLY0001';

const ours = new WirePeer('stripe');
let server;
let library;
let seen;

before(async () => {
  server = http.createServer((request, answer) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      seen = { method: request.method, target: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
      answer.setHeader('Content-Type', 'application/json');
      answer.end('{"object":"list","data":[],"has_more":false}');
    });
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
  library = new Stripe('sk_test_TESTONLY', {
    host: '127.0.0.1', port: server.address().port, protocol: 'http', telemetry: false, maxNetworkRetries: 0, apiVersion,
  });
});
after(() => {
  ours.close();
  server.close();
  server.closeAllConnections?.();
});

const usd = { currency: 'USD' };
const nonce = 'n1';
const order = async () => (await ours.encode({ operation: 'refund', ...usd, channel_reference: intentId }, now, nonce));

/** Each of our calls beside what the library is asked for instead. */
const requests = {
  order: [{ operation: 'create', ...usd, subject: 'café & [co] 100% "茶" +' }, (o) => library.paymentIntents.create({
    amount: 101, currency: 'usd', automatic_payment_methods: { enabled: true }, metadata: { order_no: o.channel_order_no }, description: 'café & [co] 100% "茶" +',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  'order held': [{ operation: 'create', ...usd, manual_capture: true, method: 'card' }, (o) => library.paymentIntents.create({
    amount: 101, currency: 'usd', capture_method: 'manual', payment_method_types: ['card'], metadata: { order_no: o.channel_order_no }, description: '测试商品 A&B',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  'order confirmed with it': [{ operation: 'create', ...usd, payer_instrument: 'pm_card_visa' }, (o) => library.paymentIntents.create({
    amount: 101, currency: 'usd', automatic_payment_methods: { enabled: true }, metadata: { order_no: o.channel_order_no }, description: '测试商品 A&B',
    confirm: true, payment_method: 'pm_card_visa', return_url: 'https://shop.example.com/back',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  'order confirmed without a way back': [{ operation: 'create', ...usd, payer_instrument: 'pm_card_visa', return_url: '' }, (o) => library.paymentIntents.create({
    amount: 101, currency: 'usd', automatic_payment_methods: { enabled: true, allow_redirects: 'never' }, metadata: { order_no: o.channel_order_no },
    description: '测试商品 A&B', confirm: true, payment_method: 'pm_card_visa',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  'order that is to end': [{ operation: 'close', query: true, ...usd, payer_instrument: 'pm_card_visa' }, (o) => library.paymentIntents.create({
    amount: 101, currency: 'usd', automatic_payment_methods: { enabled: true }, metadata: { order_no: o.channel_order_no }, description: '测试商品 A&B',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  'order in yen': [{ operation: 'create', currency: 'JPY', amount_minor: 500 }, (o) => library.paymentIntents.create({
    amount: 500, currency: 'jpy', automatic_payment_methods: { enabled: true }, metadata: { order_no: o.channel_order_no }, description: '测试商品 A&B',
  }, { idempotencyKey: `${o.channel_order_no}:create` })],
  capture: [{ operation: 'capture', ...usd, amount_minor: 90, channel_reference: intentId }, (o) => library.paymentIntents.capture(intentId, { amount_to_capture: 90 }, { idempotencyKey: `${o.channel_order_no}:capture:${nonce}` })],
  cancel: [{ operation: 'close', ...usd, channel_reference: intentId }, (o) => library.paymentIntents.cancel(intentId, { cancellation_reason: 'abandoned' }, { idempotencyKey: `${o.channel_order_no}:cancel:${nonce}` })],
  query: [{ operation: 'create', query: true, ...usd, channel_reference: intentId }, () => library.paymentIntents.retrieve(intentId)],
  search: [{ operation: 'create', query: true, ...usd, order_created_at_us: 0 }, (o) => library.paymentIntents.search({ query: `metadata['order_no']:'${o.channel_order_no}'`, limit: 2 })],
  refund: [{ operation: 'refund', ...usd, channel_reference: intentId }, (o) => library.refunds.create({
    payment_intent: intentId, amount: 50, metadata: { refund_no: o.channel_refund_no, order_no: o.channel_order_no },
  }, { idempotencyKey: o.channel_refund_no })],
  'refund query': [{ operation: 'refund', query: true, ...usd, channel_reference: intentId }, () => library.refunds.list({ payment_intent: intentId, limit: 100 })],
};

for (const [name, [call, ask]] of Object.entries(requests)) {
  test(`we send for a ${name} what the library sends`, async () => {
    const request = await ours.encode(call, now, nonce);
    assert.strictEqual(request.kind, 'request', JSON.stringify(request));
    await ask(await order());
    assert.strictEqual(request.method, seen.method);
    assert.strictEqual(request.target, seen.target);
    assert.strictEqual(request.body, seen.body);
    for (const header of ['authorization', 'content-type', 'stripe-version', 'idempotency-key']) assert.strictEqual(request.headers[header], seen.headers[header], header);
  });
}

async function event(type, object, extra = {}) {
  return JSON.stringify({ id: 'evt_TESTONLY0001', object: 'event', api_version: '2025-03-31.basil', created: now - 1, data: { object }, livemode: false, pending_webhooks: 1, type, ...extra }, null, 2);
}
async function intent(extra = {}) {
  const { channel_order_no } = await order();
  return {
    id: intentId, object: 'payment_intent', amount: 101, amount_received: 101, capture_method: 'automatic', currency: 'usd', latest_charge: 'ch_TESTONLY0001',
    livemode: false, metadata: { order_no: channel_order_no }, status: 'succeeded', description: 'café ☕', ...extra,
  };
}
const signed = (payload, by = secret, timestamp = now) => library.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
const heard = (payload, header, at = now) => ours.callback(at, { 'Stripe-Signature': header }, payload);
const libraryBelieves = (payload, header, at = now) => {
  try {
    library.webhooks.constructEvent(payload, header, secret, 300, undefined, at * 1000);
    return true;
  } catch {
    return false;
  }
};

test('a webhook the library signs is a report of the payment, with either secret', async () => {
  const payload = await event('payment_intent.succeeded', await intent());
  for (const by of [secret, oldSecret]) {
    const report = await heard(payload, signed(payload, by));
    assert.strictEqual(report.verdict, 'paid', JSON.stringify(report));
    assert.strictEqual(report.amount_minor, 101);
    assert.strictEqual(report.id, 'evt_TESTONLY0001');
  }
  const both = `${signed(payload, 'whsec_somebody_elses_secret')},${signed(payload).split(',')[1]}`;
  assert.strictEqual((await heard(payload, both)).verdict, 'paid');
});

test('a refund webhook is a report of the refund', async () => {
  const { channel_order_no, channel_refund_no, refund_id } = await order();
  const payload = await event('refund.updated', {
    id: 're_TESTONLY0001', object: 'refund', amount: 50, currency: 'usd', payment_intent: intentId, status: 'succeeded', metadata: { refund_no: channel_refund_no, order_no: channel_order_no },
  });
  const report = await heard(payload, signed(payload));
  assert.strictEqual(report.verdict, 'refunded', JSON.stringify(report));
  assert.strictEqual(report.refund_id, refund_id);
});

test('whatever of a webhook is touched, the library and we refuse it', async () => {
  const payload = await event('payment_intent.succeeded', await intent());
  const header = signed(payload);
  assert(libraryBelieves(payload, header));
  const cases = [
    ...[...tampered(payload)].map((other) => [other, header]),
    ...[...tampered(header.split('v1=')[1])].map((other) => [payload, `t=${now},v1=${other}`]),
    [JSON.stringify(JSON.parse(payload)), header],
    [payload, header.replace(`t=${now}`, `t=${now + 1}`)],
    [payload, header.replace('v1=', 'v0=')],
    [payload, header.replace(`t=${now},`, '')],
    [payload, signed(payload, 'whsec_somebody_elses_secret')],
    [payload, ''],
  ];
  for (const [body, bent] of cases) {
    assert(!libraryBelieves(body, bent), bent);
    assert.strictEqual((await heard(body, bent)).code, 'bad_signature', bent);
  }
});

test('a webhook is fresh for as long as the library thinks, and not before its time', async () => {
  const payload = await event('payment_intent.succeeded', await intent());
  const header = signed(payload);
  for (const age of [0, 299, 300, 301, 3600]) {
    const report = await heard(payload, header, now + age);
    assert.strictEqual(report.kind === 'report', libraryBelieves(payload, header, now + age), `${age} s`);
    if (report.kind !== 'report') assert.strictEqual(report.code, 'stale_timestamp');
  }
  assert.strictEqual((await heard(payload, header, now - 301)).code, 'stale_timestamp');
});

test('an event of the other mode, of another account or about nothing of ours is taken', async () => {
  const live = await event('payment_intent.succeeded', await intent(), { livemode: true });
  assert.strictEqual((await heard(live, signed(live))).reason, 'other_mode');
  const connected = await event('payment_intent.succeeded', await intent(), { account: 'acct_1' });
  assert.strictEqual((await heard(connected, signed(connected))).reason, 'other_account');
  const foreign = await event('payment_intent.succeeded', await intent({ metadata: {} }));
  assert.strictEqual((await heard(foreign, signed(foreign))).reason, 'foreign_order');
});
