// Alipay between our wire format and its SDK: the SDK signs the same order and must come to the same
// bytes, and judges the answers and notifications that we must judge alike. It has no signer for
// those, so node:crypto signs and the SDK confirms. It is no oracle through `exec` without
// validateSign (it takes a touched body) nor through checkNotifySign (it decodes twice).
import assert from 'node:assert';
import { createSign, createVerify } from 'node:crypto';
import { after, test } from 'node:test';

import { WirePeer, key, sdk, tampered } from './peer.mjs';

const now = 1767225600;
// The SDK writes the present time of the present zone.
process.env.TZ = 'Asia/Shanghai';
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length) super(...given);
    else super(now * 1000);
  }
  static now() { return now * 1000; }
};

const { AlipaySdk } = sdk('alipay-sdk');
const app = {
  appId: '2021000000000001', privateKey: key('alipay_app_key'), keyType: 'PKCS8',
  gateway: 'https://openapi.alipay.com/gateway.do', camelcase: false,
};
const modes = {
  alipay: new AlipaySdk({ ...app, alipayPublicKey: key('alipay_platform_pub') }),
  alipay_certificates: new AlipaySdk({
    ...app, appCertContent: key('alipay_app_cert'), alipayPublicCertContent: key('alipay_platform_cert'), alipayRootCertContent: key('alipay_root_cert'),
  }),
};
const theirs = modes.alipay;
const peers = Object.fromEntries(Object.keys(modes).map((mode) => [mode, new WirePeer(mode)]));
const ours = peers.alipay;
after(() => Object.values(peers).forEach((peer) => peer.close()));

const sign = (text, name = 'alipay_platform_key') => createSign('RSA-SHA256').update(text, 'utf8').sign(key(name), 'base64');
const sorted = (fields, without = ['sign']) => Object.keys(fields).filter((k) => !without.includes(k)).sort()
  .map((k) => `${k}=${fields[k]}`).join('&');

/** All of a request's fields, wherever they stand. */
function fieldsOf(request) {
  const at = request.kind === 'report' ? request.next_action.value : request.target;
  return Object.fromEntries([...new URLSearchParams(at.slice(at.indexOf('?') + 1)), ...new URLSearchParams(request.body ?? '')]);
}

const calls = {
  'QR order': { operation: 'create', subject: '测试商品 A&B=1 "quoted" \\ / + % 😀' },
  'page order': { operation: 'create', method: 'page' },
  'wap order': { operation: 'create', method: 'wap' },
  query: { operation: 'create', query: true },
  close: { operation: 'close' },
  refund: { operation: 'refund' },
  'refund query': { operation: 'refund', query: true },
};

for (const mode of Object.keys(modes)) {
  for (const [name, call] of Object.entries(calls)) {
    test(`${mode}: the SDK sends the same bytes for a ${name}`, async () => {
      const request = await peers[mode].encode(call, now);
      const fields = fieldsOf(request);
      const { method, notify_url, return_url, biz_content } = fields;
      const encoded = modes[mode].sdkExecute(method, {
        ...(notify_url ? { notify_url } : {}), ...(return_url ? { return_url } : {}), bizContent: JSON.parse(biz_content),
      });
      const same = Object.fromEntries(new URLSearchParams(encoded.replace(/\+/g, '%2B')));
      assert.deepStrictEqual(fields, same);
      assert(createVerify('RSA-SHA256').update(sorted(fields), 'utf8').verify(key('alipay_app_pub'), fields.sign, 'base64'));
      for (const other of tampered(sorted(fields))) {
        assert(!createVerify('RSA-SHA256').update(other, 'utf8').verify(key('alipay_app_pub'), fields.sign, 'base64'));
      }
      if (request.kind === 'report') {
        assert(request.next_action.value.startsWith('https://openapi.alipay.com/gateway.do?'));
      } else {
        assert.deepStrictEqual([...new URLSearchParams(request.body).keys()], ['biz_content']);
      }
    });
  }
}

test('the answers that the SDK believes are believed, and those it does not are unknown', async () => {
  const { channel_order_no } = await ours.encode(calls.query, now);
  const name = 'alipay_trade_query_response';
  const node = `{"code":"10000","msg":"Success","subject":"say \\"sign\\":{x} \\/ 中文","out_trade_no":"${channel_order_no}",` +
    '"total_amount":"1.01","trade_no":"2026010122001400000000000001","trade_status":"TRADE_SUCCESS"}';
  const confirmed = (body, signature) => {
    try {
      theirs.checkResponseSign(body, name, signature);
      return true;
    } catch {
      return false;
    }
  };
  const judge = async (body) => (await ours.answer(calls.query, now, { status: 200, body })).verdict;
  const bodyOf = (text, signature) => `{"${name}":${text},"sign":"${signature}"}`;

  const signature = sign(node);
  assert(confirmed(bodyOf(node, signature), signature));
  assert.strictEqual(await judge(bodyOf(node, signature)), 'paid');
  for (const other of tampered(node)) {
    assert(!confirmed(bodyOf(other, signature), signature));
    assert.strictEqual(await judge(bodyOf(other, signature)), 'unknown');
  }
  // Escaping a slash or not is the same JSON and another text.
  assert.strictEqual(await judge(bodyOf(node.replace('\\/', '/'), signature)), 'unknown');
  for (const other of tampered(signature)) assert.strictEqual(await judge(bodyOf(node, other)), 'unknown');
  assert.strictEqual(await judge(bodyOf(node, sign(node, 'alipay_app_key'))), 'unknown');
  assert.strictEqual(await judge(`{"${name}":${node}}`), 'unknown');
});

test('in certificate mode an answer names the certificate that signed it', async () => {
  const { channel_order_no } = await ours.encode(calls.query, now);
  const node = `{"code":"10000","out_trade_no":"${channel_order_no}","total_amount":"1.01","trade_no":"2026","trade_status":"TRADE_SUCCESS"}`;
  const judge = async (number) => (await peers.alipay_certificates.answer(calls.query, now, {
    status: 200, body: `{"alipay_trade_query_response":${node},"alipay_cert_sn":"${number}","sign":"${sign(node)}"}`,
  })).verdict;
  assert.strictEqual(await judge(modes.alipay_certificates.config.alipayCertSn), 'paid');
  assert.strictEqual(await judge(modes.alipay_certificates.config.appCertSn), 'unknown');
});

async function notification(more = {}) {
  const { channel_order_no } = await ours.encode(calls.query, now);
  return {
    app_id: app.appId, seller_id: '2088000000000999', notify_type: 'trade_status_sync', notify_id: '2026010101222080031000000000000001', charset: 'utf-8',
    out_trade_no: channel_order_no, trade_no: '2026010122001400000000000001', total_amount: '1.01', subject: '100% 棉 A&B=1 +', trade_status: 'TRADE_SUCCESS',
    fund_bill_list: '[{"amount":"1.01","fundChannel":"ALIPAYACCOUNT"}]', passback_params: 'shop%3D1%26x%3D2', body: '', ...more,
  };
}
const post = (fields) => new URLSearchParams(fields).toString();
const parsed = (body) => Object.fromEntries(new URLSearchParams(body));

test('a notification that the SDK believes is a report, signed with its sign_type or without', async () => {
  for (const without of [['sign', 'sign_type'], ['sign']]) {
    const fields = { ...(await notification()), sign_type: 'RSA2' };
    const body = post({ ...fields, sign: sign(sorted(fields, without)) });
    assert(theirs.checkNotifySignV2(parsed(body)));
    const report = await ours.callback(now, {}, body);
    assert.strictEqual(report.verdict, 'paid', JSON.stringify(report));
    assert.strictEqual(report.amount_minor, 101);
    assert.strictEqual(report.id, fields.notify_id);
  }
});

test('a notification of a refund is about the refund', async () => {
  const { channel_refund_no, refund_id } = await ours.encode(calls.refund, now);
  const fields = await notification({ refund_fee: '0.50', gmt_refund: '2026-01-01 09:00:00.123', out_biz_no: channel_refund_no });
  const body = post({ ...fields, sign_type: 'RSA2', sign: sign(sorted(fields)) });
  assert(theirs.checkNotifySignV2(parsed(body)));
  const report = await ours.callback(now, {}, body);
  assert.strictEqual(report.operation, 'refund');
  assert.strictEqual(report.refund_id, refund_id);
});

test('a notification that was touched in any field is refused, by the SDK as by us', async () => {
  const fields = await notification();
  const good = { ...fields, sign_type: 'RSA2', sign: sign(sorted(fields)) };
  const refused = async (touched) => {
    assert(!theirs.checkNotifySignV2(parsed(post(touched))), JSON.stringify(touched));
    assert.strictEqual((await ours.callback(now, {}, post(touched))).code, 'bad_signature', JSON.stringify(touched));
  };
  for (const name of Object.keys(fields)) await refused({ ...good, [name]: `${good[name]}1` });
  await refused({ ...good, extra: '1' });
  await refused({ ...good, extra: '' });
  // Node.js reads base64 leniently at its end, where no bit of the signature stands.
  for (const other of tampered(good.sign.slice(0, -4))) await refused({ ...good, sign: other + good.sign.slice(-4) });
  await refused({ ...good, sign: sign(sorted(fields), 'alipay_app_key') });
  const elsewhere = await notification({ seller_id: '2088000000000998' });
  const body = post({ ...elsewhere, sign_type: 'RSA2', sign: sign(sorted(elsewhere)) });
  assert(theirs.checkNotifySignV2(parsed(body)));
  assert.strictEqual((await ours.callback(now, {}, body)).code, 'wrong_account');
});
