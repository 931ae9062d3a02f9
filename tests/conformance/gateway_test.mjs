// Callbacks that the channels' own libraries sign, sent over HTTP to a real gateway: what is genuine
// makes its payment paid, and each tampered variant of it is refused with the channel's own failure
// answer and moves nothing. Where a library cannot sign (Alipay, UnionPay), node:crypto does by the
// channel's rules, and Alipay's library confirms it.
import assert from 'node:assert';
import { X509Certificate, createHash, createSign } from 'node:crypto';
import { after, before, test } from 'node:test';

import { sdk, tampered } from './peer.mjs';
import { Sandbox, freePort } from './sandbox.mjs';

const { Aes, Formatter, Rsa } = sdk('wechatpay-axios-plugin');
const alipayPackage = sdk('alipay-sdk');
const AlipaySdk = alipayPackage.AlipaySdk ?? alipayPackage.default ?? alipayPackage;
const stripePackage = sdk('stripe');
const Stripe = stripePackage.default ?? stripePackage.Stripe ?? stripePackage;

let sandbox;
const key = (name) => sandbox.key(name);

before(async () => {
  const port = await freePort();
  sandbox = await Sandbox.start(`http://127.0.0.1:${port}`);
  await sandbox.serve(port);
});
after(() => sandbox?.stop());

const sorted = (fields, without) => Object.keys(fields).filter((name) => !without.includes(name) && fields[name] !== '').sort().map((name) => `${name}=${fields[name]}`).join('&');
const form = (fields) => new URLSearchParams(fields).toString();
const formType = { 'Content-Type': 'application/x-www-form-urlencoded' };
const beijing = () => new Date(Date.now() + 8 * 3600 * 1000).toISOString();

/** By channel: a paid order's callback over an amount, the failure answer, and who else signs. */
const channels = {
  wechat_pay: {
    failure: [500, 'FAIL'],
    sign(order, amount, { privateKey = key('wechat_platform_key') } = {}) {
      const nonce = Formatter.nonce();
      const at = Formatter.timestamp();
      const resource = JSON.stringify({
        appid: 'wx00000000000test1', mchid: '1900000001', out_trade_no: order.out_order_no, transaction_id: '4200000000202601010000000001', trade_type: 'NATIVE',
        trade_state: 'SUCCESS', trade_state_desc: '支付成功', bank_type: 'OTHERS', success_time: `${beijing().slice(0, 19)}+08:00`, payer: { openid: 'oTEST' },
        amount: { total: amount, payer_total: amount, currency: 'CNY', payer_currency: 'CNY' },
      });
      const body = JSON.stringify({
        id: `n-${nonce}`, create_time: `${beijing().slice(0, 19)}+08:00`, resource_type: 'encrypt-resource', event_type: 'TRANSACTION.SUCCESS', summary: '支付成功',
        resource: { original_type: 'transaction', algorithm: 'AEAD_AES_256_GCM', ciphertext: Aes.AesGcm.encrypt(resource, key('wechat_api_v3_key'), nonce.slice(0, 12), 'transaction'), associated_data: 'transaction', nonce: nonce.slice(0, 12) },
      });
      return {
        body, headers: {
          'Content-Type': 'application/json', 'Wechatpay-Timestamp': String(at), 'Wechatpay-Nonce': nonce, 'Wechatpay-Serial': new X509Certificate(key('wechat_platform_certificate')).serialNumber,
          'Wechatpay-Signature': Rsa.sign(Formatter.response(at, nonce, body), Rsa.from(privateKey, Rsa.KEY_TYPE_PRIVATE)),
        },
      };
    },
    stranger: (order) => channels.wechat_pay.sign(order, 1000, { privateKey: key('wechat_merchant_key') }),
  },
  alipay: {
    failure: [400, 'fail'],
    sign(order, amount, { privateKey = key('alipay_key') } = {}) {
      const fields = {
        notify_time: beijing().slice(0, 19).replace('T', ' '), notify_type: 'trade_status_sync', notify_id: Formatter.nonce(), app_id: '2021000000000001', charset: 'utf-8', version: '1.0',
        trade_no: '2026010122001400000000000001', out_trade_no: order.out_order_no, seller_id: '2088000000000001', trade_status: 'TRADE_SUCCESS', total_amount: (amount / 100).toFixed(2), subject: '茶 A&B=1 100%',
      };
      const sign = createSign('RSA-SHA256').update(sorted(fields, []), 'utf8').sign(privateKey, 'base64');
      const signed = { ...fields, sign_type: 'RSA2', sign };
      const library = new AlipaySdk({ appId: '2021000000000001', keyType: 'PKCS8', privateKey: key('alipay_app_key'), alipayPublicKey: key('alipay_public_key') });
      assert.strictEqual(library.checkNotifySignV2(signed), privateKey === key('alipay_key'));
      return { body: form(signed), headers: formType };
    },
    stranger: (order) => channels.alipay.sign(order, 1000, { privateKey: key('alipay_app_key') }),
  },
  union_pay: {
    failure: [400, 'fail'],
    sign(order, amount, { who = 'union_pay_signer' } = {}) {
      const fields = {
        version: '5.1.0', encoding: 'UTF-8', accessType: '0', merId: '777290058110001', bizType: '000000', txnType: '01', txnSubType: '07', orderId: order.out_order_no,
        txnTime: beijing().slice(0, 19).replace(/\D/g, ''), txnAmt: String(amount), currencyCode: '156', queryId: '202601010800001234567', respCode: '00', respMsg: '成功[0000000]', signMethod: '01',
        signPubKeyCert: key(`${who}_certificate`).split(/\r?\n/).join('\r\n'),
      };
      const digest = createHash('sha256').update(sorted(fields, []), 'utf8').digest('hex');
      return { body: form({ ...fields, signature: createSign('RSA-SHA256').update(digest, 'ascii').sign(key(`${who}_key`), 'base64') }), headers: formType };
    },
    // A merchant's certificate comes from the same authority as UnionPay's own.
    stranger: (order) => channels.union_pay.sign(order, 1000, { who: 'union_pay_merchant' }),
  },
  stripe: {
    failure: [500, 'false'],
    sign(order, amount, { secret = key('stripe_webhook_secret'), timestamp } = {}) {
      const body = JSON.stringify({
        id: `evt_${Formatter.nonce()}`, object: 'event', api_version: '2026-10-28.endive', created: Math.floor(Date.now() / 1000), livemode: false, type: 'payment_intent.succeeded',
        data: { object: { id: `pi_${order.out_order_no}`, object: 'payment_intent', amount, amount_received: amount, capture_method: 'automatic', currency: 'cny', livemode: false, metadata: { order_no: order.out_order_no }, status: 'succeeded' } },
      }, null, 2);
      return { body, headers: { 'Content-Type': 'application/json', 'Stripe-Signature': new Stripe('sk_test_none').webhooks.generateTestHeaderString({ payload: body, secret, ...(timestamp ? { timestamp } : {}) }) } };
    },
    stranger: (order) => channels.stripe.sign(order, 1000, { secret: 'whsec_of_somebody_else_altogether' }),
  },
};

async function notify(channel, { body, headers }) {
  const answer = await fetch(`${sandbox.api}/channels/${channel}/notify`, { method: 'POST', body, headers });
  return { status: answer.status, body: await answer.text() };
}

for (const [channel, { sign, stranger, failure }] of Object.entries(channels)) {
  test(`${channel}: what is genuine is taken, and what was touched is refused`, async () => {
    const made = await sandbox.request('POST', '/v1/payments', { merchant_order_no: `order-${channel}`, amount: 1000, currency: 'CNY', channel, subject: 'Tea' });
    assert.strictEqual(made.status, 201, JSON.stringify(made.body));
    const order = (await sandbox.pending()).find((pending) => pending.channel === channel);
    const genuine = sign(order, 1000);
    const refused = async (callback, what) => {
      const answer = await notify(channel, callback);
      assert.strictEqual(answer.status, failure[0], `${what}: ${JSON.stringify(answer)}`);
      assert(answer.body.toLowerCase().includes(failure[1].toLowerCase()), `${what}: ${JSON.stringify(answer)}`);
      assert.notStrictEqual((await sandbox.request('GET', `/v1/payments/${made.body.id}`)).body.status, 'PAID', what);
    };
    for (const body of tampered(genuine.body)) await refused({ ...genuine, body }, 'a touched body');
    await refused({ ...genuine, body: '' }, 'no body');
    await refused(stranger(order), "another's signature");
    for (const name of Object.keys(genuine.headers).filter((header) => /signature|timestamp|nonce|serial/i.test(header))) {
      const headers = { ...genuine.headers };
      delete headers[name];
      await refused({ ...genuine, headers }, `no ${name}`);
    }
    if (channel === 'stripe') await refused(sign(order, 1000, { timestamp: Math.floor(Date.now() / 1000) - 400 }), 'an old one');

    const answer = await notify(channel, genuine);
    assert.strictEqual(answer.status, 200, JSON.stringify(answer));
    if (channel === 'alipay') assert.strictEqual(answer.body, 'success');
    const paid = (await sandbox.request('GET', `/v1/payments/${made.body.id}`)).body;
    assert.strictEqual(paid.status, 'PAID');
    assert.strictEqual(paid.captured_amount, 1000);
    // Told again, as every channel does, it is old news and nothing more.
    const again = await notify(channel, sign(order, 1000));
    assert.strictEqual(again.status, 200, JSON.stringify(again));
    assert.strictEqual((await sandbox.request('GET', `/v1/payments/${made.body.id}`)).body.captured_amount, 1000);
  });

  test(`${channel}: a genuine callback of another amount is refused, and recorded`, async () => {
    const made = await sandbox.request('POST', '/v1/payments', { merchant_order_no: `other-${channel}`, amount: 1000, currency: 'CNY', channel, subject: 'Tea' });
    const order = (await sandbox.pending()).find((pending) => pending.channel === channel);
    const answer = await notify(channel, sign(order, 999));
    assert.strictEqual(answer.status, failure[0], JSON.stringify(answer));
    assert.strictEqual((await sandbox.request('GET', `/v1/payments/${made.body.id}`)).body.status, 'PAYING');
    const events = (await sandbox.request('GET', `/v1/payments/${made.body.id}/events`)).body.items.map((event) => event.type);
    assert.strictEqual(events.at(-1), 'payment_report_refused', 'it is journaled where it belongs');
  });
}
