// UnionPay between our wire format and node:crypto. No SDK of UnionPay's is to be had as a package,
// so the rules stand here once more, written from their description and not from our code: what is
// signed is the hex digest of the sorted text, CRLF in certificates included.
import assert from 'node:assert';
import { X509Certificate, createHash, createSign, createVerify } from 'node:crypto';
import { after, test } from 'node:test';

import { WirePeer, key, tampered } from './peer.mjs';

const now = 1767225600;
const merId = '777290058110048';
const ours = new WirePeer('union_pay');
after(() => ours.close());

const sorted = (fields) => Object.keys(fields).filter((k) => k !== 'signature' && fields[k] !== '').sort().map((k) => `${k}=${fields[k]}`).join('&');
const digest = (text) => createHash('sha256').update(text, 'utf8').digest('hex');
const holds = (text, signature, pem) => createVerify('RSA-SHA256').update(digest(text), 'ascii').verify(pem, signature, 'base64');
const crlf = (pem) => pem.trim().split(/\r?\n/).join('\r\n');
const form = (fields) => new URLSearchParams(fields).toString();
const raw = (fields) => Object.entries(fields).map(([k, v]) => `${k}=${v}`).join('&');

/** Signed as UnionPay's test gateway signs. */
function signed(fields, { certificate = 'unionpay_platform_cert', privateKey = 'unionpay_platform_key', ends = crlf } = {}) {
  const all = { ...fields, signMethod: '01', version: '5.1.0', encoding: 'UTF-8', accessType: '0', signPubKeyCert: ends(key(certificate)) };
  return { ...all, signature: createSign('RSA-SHA256').update(digest(sorted(all)), 'ascii').sign(key(privateKey), 'base64') };
}

const calls = {
  'code to scan': { operation: 'create' },
  query: { operation: 'create', query: true },
  close: { operation: 'close' },
  refund: { operation: 'refund', channel_reference: '202601010800001234567' },
  'refund query': { operation: 'refund', query: true },
};

test('each request verifies with our certificate, under the number it names', async () => {
  const certificate = new X509Certificate(key('unionpay_merchant_cert'));
  for (const [name, call] of Object.entries(calls)) {
    const request = await ours.encode(call, now);
    assert.strictEqual(request.kind, 'request', name);
    const fields = Object.fromEntries(new URLSearchParams(request.body));
    assert.strictEqual(fields.certId, BigInt(`0x${certificate.serialNumber}`).toString());
    assert(holds(sorted(fields), fields.signature, key('unionpay_merchant_cert')), name);
    for (const other of tampered(sorted(fields))) assert(!holds(other, fields.signature, key('unionpay_merchant_cert')));
    assert(Object.values(fields).every((value) => value !== ''), 'nothing empty is sent');
  }
});

test('the form for the payer\'s browser holds just what was signed', async () => {
  for (const method of ['page', 'wap']) {
    const report = await ours.encode({ operation: 'create', method, subject: '"A" & <B> \'C\' {x=1} 茶' }, now);
    assert.strictEqual(report.next_action.type, 'form');
    const text = (html) => html.replace(/&(quot|lt|gt|amp|#39|#13|#10);/g, (all, name) => ({ quot: '"', lt: '<', gt: '>', amp: '&', '#39': "'", '#13': '\r', '#10': '\n' })[name]);
    const fields = Object.fromEntries([...report.next_action.value.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map((m) => [text(m[1]), text(m[2])]));
    assert(holds(sorted(fields), fields.signature, key('unionpay_merchant_cert')));
    assert.strictEqual(fields.riskRateInfo, '{commodityName= A    <B>  C   x 1  茶}');
    assert(report.next_action.value.includes('action="https://gateway.95516.com/gateway/api/frontTransReq.do"'));
  }
});

async function transaction(refund = false) {
  const { channel_order_no, channel_refund_no } = await ours.encode(refund ? calls.refund : calls.query, now);
  return {
    txnType: refund ? '04' : '01', txnSubType: refund ? '00' : '01', orderId: refund ? channel_refund_no : channel_order_no, txnTime: '20260101080000', merId,
    txnAmt: refund ? '50' : '101', currencyCode: '156', queryId: '202601010800001234567', respCode: '00', respMsg: '成功[0000000]',
    ...(refund ? { reqReserved: channel_order_no, origQryId: '202601010800001234560' } : {}),
  };
}

test('a signed answer is believed, and one that was touched is unknown', async () => {
  const good = signed({ ...(await transaction()), origRespCode: '00', reserved: '{a=1&b=[2]}' });
  const judge = async (body) => (await ours.answer(calls.query, now, { status: 200, body })).verdict;
  assert.strictEqual(await judge(raw(good)), 'paid');
  for (const name of Object.keys(good)) {
    for (const other of tampered(good[name], 3)) {
      if (other !== good[name]) assert.strictEqual(await judge(raw({ ...good, [name]: other })), 'unknown', name);
    }
  }
  assert.strictEqual(await judge(`${raw(good)}&a=1`), 'unknown');
  assert.strictEqual(await judge(raw(good).replace(/\r\n/g, '\n')), 'unknown');
});

test('a notification of a payment or a refund is a report, and one that was touched is refused', async () => {
  const paid = signed(await transaction());
  const report = await ours.callback(now, {}, form(paid));
  assert.strictEqual(report.verdict, 'paid', JSON.stringify(report));
  assert.strictEqual(report.amount_minor, 101);

  const { refund_id } = await ours.encode(calls.refund, now);
  const refunded = await ours.callback(now, {}, form(signed(await transaction(true))));
  assert.strictEqual(refunded.verdict, 'refunded', JSON.stringify(refunded));
  assert.strictEqual(refunded.refund_id, refund_id);
  assert.strictEqual(refunded.amount_minor, 50);

  for (const name of Object.keys(paid)) {
    const spoiled = await ours.callback(now, {}, form({ ...paid, [name]: `${paid[name]}1` }));
    assert.strictEqual(spoiled.kind, 'refused', name);
  }
});

test('only UnionPay\'s own certificate signs in its name', async () => {
  const fields = await transaction();
  const judge = async (how) => (await ours.callback(now, {}, form(signed(fields, how)))).code;
  assert.strictEqual(await judge({ certificate: 'unionpay_merchant_cert', privateKey: 'unionpay_merchant_key' }), 'unknown_serial');
  assert.strictEqual(await judge({ certificate: 'alipay_app_cert', privateKey: 'alipay_app_key' }), 'unknown_serial');
  assert.strictEqual(await judge({ certificate: 'unionpay_platform_cert_prodcn' }), 'unknown_serial');
  assert.strictEqual(await judge({ privateKey: 'unionpay_merchant_key' }), 'bad_signature');
  const elsewhere = signed({ ...fields, merId: '777290058110049' });
  assert.strictEqual((await ours.callback(now, {}, form(elsewhere))).code, 'wrong_account');
});
