// A shop's client over the types that openapi-typescript makes of `GET /openapi.json`. It is compiled
// strictly and run against a real gateway by openapi_test.mjs. What must not compile is expected to be
// an error, and is one itself where it compiles.
import createClient from 'openapi-fetch';

import type { components, paths } from './openapi';

type Payment = components['schemas']['Payment'];
type Event = components['schemas']['Event'];

// Of one kind the payload's fields are known.
function moneyOf(event: Event): number {
  switch (event.type) {
    case 'payment_created':
      return event.payload.amount_minor;
    case 'payment_paid':
      return event.payload.captured_minor;
    case 'payment_refund_succeeded':
      return event.payload.postings.reduce((sum, posting) => sum + posting.amount_minor, event.payload.amount_minor);
    case 'payment_closed':
      // @ts-expect-error a close moves no money
      return event.payload.amount_minor;
    default:
      return 0;
  }
}

export interface Purchase {
  created: Payment;
  again: Payment;
  replayed: string | null;
  captured: Payment;
  refund: components['schemas']['Refund'];
  listed: Payment[];
  money: [Event['type'], number][];
  refusal: components['schemas']['Problem'];
}

export async function buy(baseUrl: string, key: string, pay: () => Promise<void>): Promise<Purchase> {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
  const taken = <T>(answer: { data?: T; error?: { code: string; detail: string } }): T => {
    if (answer.data === undefined) throw new Error(`${answer.error?.code}: ${answer.error?.detail}`);
    return answer.data;
  };

  const header = { 'Idempotency-Key': 'tea-1' };
  const body: components['schemas']['CreatePayment'] = {
    merchant_order_no: 'tea-1', amount: 1250, currency: 'CNY', channel: 'sandbox', subject: 'Green tea', capture: 'manual',
  };
  const created = taken(await client.POST('/v1/payments', { params: { header }, body }));
  const repeated = await client.POST('/v1/payments', { params: { header }, body });
  await pay();

  const path = { payment_id: created.id };
  const captured = taken(await client.POST('/v1/payments/{payment_id}/capture', { params: { path }, body: { amount: 1000 } }));
  const refund = taken(await client.POST('/v1/payments/{payment_id}/refunds', { params: { path }, body: { merchant_refund_no: 'tea-1-r1', amount: 250 } }));
  const listed = taken(await client.GET('/v1/payments', { params: { query: { merchant_order_no: 'tea-1' } } }));
  const events = taken(await client.GET('/v1/payments/{payment_id}/events', { params: { path } }));
  const refused = await client.POST('/v1/payments/{payment_id}/refunds', { params: { path }, body: { merchant_refund_no: 'tea-1-r2', amount: 1000 } });
  if (refused.error?.code !== 'amount_exceeds_refundable') throw new Error(`not refused: ${refused.response.status}`);

  return {
    created,
    again: taken(repeated),
    replayed: repeated.response.headers.get('Idempotency-Replayed'),
    captured,
    refund,
    listed: listed.items,
    money: events.items.map((event) => [event.type, moneyOf(event)]),
    refusal: refused.error,
  };
}

// What must be refused by the compiler: it is not called.
export async function mistakes(baseUrl: string): Promise<void> {
  const client = createClient<paths>({ baseUrl });
  const body = { merchant_order_no: 'x', amount: 1, currency: 'CNY', channel: 'sandbox', subject: 'Tea' };
  // @ts-expect-error an amount is a number of minor units
  await client.POST('/v1/payments', { body: { ...body, amount: '12.50' } });
  // @ts-expect-error a create names its order
  await client.POST('/v1/payments', { body: { amount: 1, currency: 'CNY', channel: 'sandbox', subject: 'Tea' } });
  // @ts-expect-error there is no such way to capture
  await client.POST('/v1/payments', { body: { ...body, capture: 'later' } });
  // @ts-expect-error there is no such parameter
  await client.GET('/v1/payments', { params: { query: { page: 2 } } });
  // @ts-expect-error there is no such state
  await client.GET('/v1/payments', { params: { query: { status: 'SETTLED' } } });
  const got = await client.GET('/v1/payments/{payment_id}', { params: { path: { payment_id: 'x' } } });
  // @ts-expect-error a read is refused with no code of refunds
  if (got.error?.code === 'amount_exceeds_refundable') return;
  // @ts-expect-error a payment has no such field
  void got.data?.refunds;
}
