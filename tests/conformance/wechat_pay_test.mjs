// WeChat Pay between our wire format and its SDKs: wechatpay-axios-plugin verifies what we sign and
// signs what we must believe; wechatpay-node-v3 is a second signer and verifier. node-v3 is no
// oracle for sealed resources (it accepts a wrong tag) nor for empty bodies (it drops a line).
import assert from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';

import { WirePeer, key, sdk, tampered } from './peer.mjs';

const { Aes, Formatter, Rsa } = sdk('wechatpay-axios-plugin');
const nodeV3 = sdk('wechatpay-node-v3');
const Pay = nodeV3.default ?? nodeV3;

const now = 1767225600;
const nonce = '593BEC0C930BF1AFEB40B4A08C8FB242';
const appid = 'wx0000000000000001';
const mchid = '1900000109';
const apiV3Key = '0123456789abcdef0123456789ABCDEF';
const publicKeyId = 'PUB_KEY_ID_0119000001092026010100000000000001';
const merchantCertificate = key('wechat_merchant_cert');
const merchantKey = Rsa.from(merchantCertificate, Rsa.KEY_TYPE_PUBLIC);
const platformKey = Rsa.from(key('wechat_platform_key'), Rsa.KEY_TYPE_PRIVATE);
const platformSerial = new X509Certificate(key('wechat_platform_cert')).serialNumber;
const second = new Pay({
  appid, mchid, key: apiV3Key, publicKey: Buffer.from(merchantCertificate), privateKey: Buffer.from(key('wechat_merchant_key')),
});

const ours = new WirePeer('wechat_pay');
after(() => ours.close());

const calls = {
  'native order': { operation: 'create', subject: '测试商品 A&B "quoted" \\ / 😀' },
  'H5 order': { operation: 'create', method: 'h5', payer_ip: '203.0.113.7' },
  'JSAPI order': { operation: 'create', method: 'jsapi', payer_id: 'oTESTONLY1' },
  query: { operation: 'create', query: true },
  close: { operation: 'close' },
  refund: { operation: 'refund' },
  'refund query': { operation: 'refund', query: true },
};

function authorizationOf(request) {
  const [scheme, items] = request.headers.authorization.split(/ (.*)/s);
  assert.strictEqual(scheme, 'WECHATPAY2-SHA256-RSA2048');
  return Object.fromEntries([...items.matchAll(/(\w+)="([^"]*)"/g)].map((item) => [item[1], item[2]]));
}

for (const [name, call] of Object.entries(calls)) {
  test(`both SDKs make the signature we send for a ${name}`, async () => {
    const request = await ours.encode(call, now, nonce);
    assert.strictEqual(request.kind, 'request');
    const { signature, timestamp, nonce_str, mchid: merchant, serial_no } = authorizationOf(request);
    assert.strictEqual(merchant, mchid);
    assert.strictEqual(serial_no, new X509Certificate(merchantCertificate).serialNumber);
    const text = Formatter.request(request.method, request.target, timestamp, nonce_str, request.body);
    assert(Rsa.verify(text, signature, merchantKey));
    assert.strictEqual(signature, second.getSignature(request.method, nonce_str, timestamp, request.target, request.body || undefined));
    for (const other of tampered(text)) assert(!Rsa.verify(other, signature, merchantKey));
    if (request.body) assert.strictEqual(request.body, JSON.stringify(JSON.parse(request.body)));
  });
}

/** What the SDK signs, as headers. */
function signed(body, { serial = platformSerial, at = now } = {}) {
  const n = '5K8264ILTKCH16CQ2502SI8ZNMTM67VS';
  return {
    'Wechatpay-Timestamp': String(at),
    'Wechatpay-Nonce': n,
    'Wechatpay-Serial': serial,
    'Wechatpay-Signature': Rsa.sign(Formatter.response(at, n, body), platformKey),
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
  };
}

function sealed(event_type, original_type, resource, aad = original_type) {
  const n = 'fdasflkja484';
  return JSON.stringify({
    id: 'b8b1a7e0-0000-5000-8000-000000000001', create_time: '2026-01-01T08:00:30+08:00', resource_type: 'encrypt-resource', event_type, summary: '支付成功',
    resource: { original_type, algorithm: 'AEAD_AES_256_GCM', ciphertext: Aes.AesGcm.encrypt(JSON.stringify(resource), apiV3Key, n, aad), associated_data: aad, nonce: n },
  });
}

async function transaction(state = 'SUCCESS') {
  const { channel_order_no } = await ours.encode({ operation: 'create' }, now, nonce);
  return {
    transaction_id: '4200000000202601010000000001', amount: { payer_total: 101, total: 101, currency: 'CNY', payer_currency: 'CNY' }, mchid, trade_state: state,
    bank_type: 'OTHERS', promotion_detail: [], success_time: '2026-01-01T08:00:30+08:00', payer: { openid: 'oTESTONLY' }, out_trade_no: channel_order_no, appid,
    trade_state_desc: '支付成功', trade_type: 'NATIVE', attach: '',
  };
}

test('what the SDK signs as an answer is believed, whichever key it names', async () => {
  const body = JSON.stringify(await transaction());
  for (const serial of [platformSerial, platformSerial.toLowerCase(), publicKeyId]) {
    const report = await ours.answer(calls.query, now, { status: 200, headers: signed(body, { serial }), body });
    assert.strictEqual(report.verdict, 'paid');
    assert.strictEqual(report.amount_minor, 101);
  }
  const closed = await ours.answer(calls.close, now, { status: 204, headers: signed(''), body: '' });
  assert.strictEqual(closed.verdict, 'closed');
});

test('an answer that was touched, is old or bears no signature is unknown', async () => {
  const body = JSON.stringify(await transaction());
  const headers = signed(body);
  const judge = async (answer) => (await ours.answer(calls.query, now, { status: 200, headers, body, ...answer })).verdict;
  for (const other of tampered(body)) assert.strictEqual(await judge({ body: other }), 'unknown');
  for (const other of tampered(headers['Wechatpay-Signature'])) assert.strictEqual(await judge({ headers: { ...headers, 'Wechatpay-Signature': other } }), 'unknown');
  assert.strictEqual(await judge({ headers: {} }), 'unknown');
  assert.strictEqual(await judge({ headers: signed(body, { at: now - 301 }) }), 'unknown');
  assert.strictEqual(await judge({ headers: signed(body, { serial: `00${platformSerial.slice(2)}` }) }), 'unknown');
});

test('a callback the SDK seals and signs is a report of the payment', async () => {
  const body = sealed('TRANSACTION.SUCCESS', 'transaction', await transaction());
  const report = await ours.callback(now, signed(body), body);
  assert.strictEqual(report.kind, 'report', JSON.stringify(report));
  assert.strictEqual(report.verdict, 'paid');
  assert.strictEqual(report.id, 'b8b1a7e0-0000-5000-8000-000000000001');
  assert.strictEqual(report.channel_reference, '4200000000202601010000000001');
});

test('a refund callback is a report of the refund, also with empty associated data', async () => {
  const { channel_order_no, channel_refund_no, refund_id } = await ours.encode(calls.refund, now, nonce);
  const resource = {
    mchid, transaction_id: '4200', out_trade_no: channel_order_no, refund_id: '50000000002026010100000000001', out_refund_no: channel_refund_no, refund_status: 'SUCCESS',
    success_time: '2026-01-01T09:00:00+08:00', user_received_account: '支付用户零钱', amount: { total: 101, refund: 50, payer_total: 101, payer_refund: 50 },
  };
  for (const aad of ['refund', '']) {
    const body = sealed('REFUND.SUCCESS', 'refund', resource, aad);
    const report = await ours.callback(now, signed(body, { serial: publicKeyId }), body);
    assert.strictEqual(report.verdict, 'refunded', JSON.stringify(report));
    assert.strictEqual(report.refund_id, refund_id);
    assert.strictEqual(report.amount_minor, 50);
  }
});

test('a callback that was touched in any part is refused', async () => {
  const body = sealed('TRANSACTION.SUCCESS', 'transaction', await transaction());
  const headers = signed(body);
  const code = async (h, b, at = now) => (await ours.callback(at, h, b)).code;
  for (const other of tampered(body)) assert.strictEqual(await code(headers, other), 'bad_signature');
  for (const name of ['Wechatpay-Timestamp', 'Wechatpay-Nonce']) {
    assert.strictEqual(await code({ ...headers, [name]: `${headers[name].slice(0, -1)}7` }, body), 'bad_signature');
  }
  for (const other of tampered(headers['Wechatpay-Signature'])) assert.strictEqual(await code({ ...headers, 'Wechatpay-Signature': other }, body), 'bad_signature');
  assert.strictEqual(await code({ ...headers, 'Wechatpay-Signature': `WECHATPAY/SIGNTEST/${headers['Wechatpay-Signature'].slice(19)}` }, body), 'bad_signature');
  assert.strictEqual(await code({ ...headers, 'Wechatpay-Serial': 'AB' }, body), 'unknown_serial');
  assert.strictEqual(await code(headers, body, now + 301), 'stale_timestamp');
  assert.strictEqual(await code(headers, body, now - 301), 'stale_timestamp');
  // Signed anew, so that only the seal can tell.
  const { ciphertext } = JSON.parse(body).resource;
  for (const place of [0, ciphertext.length / 2, ciphertext.length - 6]) {
    const at = Math.floor(place);
    const bent = body.replace(ciphertext, ciphertext.slice(0, at) + (ciphertext[at] === 'A' ? 'B' : 'A') + ciphertext.slice(at + 1));
    assert.strictEqual(await code(signed(bent), bent), 'broken_ciphertext');
  }
  const elsewhere = sealed('TRANSACTION.SUCCESS', 'transaction', { ...(await transaction()), mchid: '1900000110' });
  assert.strictEqual(await code(signed(elsewhere), elsewhere), 'wrong_account');
});

test('both SDKs make the signature of the JSAPI parameters', async () => {
  const body = '{"prepay_id":"wx201410272009395522657a690389285100"}';
  const report = await ours.answer(calls['JSAPI order'], now, { status: 200, headers: signed(body), body });
  assert.strictEqual(report.next_action.type, 'client_parameters');
  const given = JSON.parse(report.next_action.value);
  const text = Formatter.joinedByLineFeed(given.appId, given.timeStamp, given.nonceStr, given.package);
  assert(Rsa.verify(text, given.paySign, merchantKey));
  assert.strictEqual(given.paySign, second.sign(text));
});
