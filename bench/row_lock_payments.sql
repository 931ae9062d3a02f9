-- The tables of the alternative: a payment as two SQL transactions with row locks (row_lock_payment.pgbench).
-- The payment's row holds what Welkin's events hold of it, minus their history; its order number is
-- unique; stock is counted in rows that are locked.
CREATE TABLE stock (
  item      integer PRIMARY KEY,
  available bigint NOT NULL CHECK (available >= 0)) WITH (fillfactor = 50);
INSERT INTO stock SELECT item, 1000000000 FROM generate_series(1, 1000) AS item;

CREATE TABLE payments (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  merchant_id         text NOT NULL,
  merchant_order_no   text NOT NULL,
  item                integer NOT NULL,
  state               text NOT NULL,
  amount_minor        bigint NOT NULL,
  captured_minor      bigint NOT NULL DEFAULT 0,
  currency            text NOT NULL,
  channel             text NOT NULL,
  channel_order_no    text NOT NULL,
  channel_reference   text,
  subject             text NOT NULL,
  return_url          text NOT NULL,
  request_fingerprint text NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  expires_at          timestamptz NOT NULL,
  UNIQUE (merchant_id, merchant_order_no)) WITH (fillfactor = 60);

CREATE TABLE ledger (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  payment_id   bigint NOT NULL,
  account      text NOT NULL,
  amount_minor bigint NOT NULL,
  at           timestamptz NOT NULL DEFAULT now());
