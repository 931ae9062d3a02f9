// The OpenAPI document, as the running gateway serves it, under other people's tools: two validators
// find nothing in it, and a TypeScript client over generated types compiles strictly and takes money.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';

import { sdk } from './peer.mjs';
import { Sandbox, freePort } from './sandbox.mjs';

const { createConfig, lintFromString } = sdk('@redocly/openapi-core');
const SwaggerParser = sdk('@apidevtools/swagger-parser');

let sandbox;
let text;
let folder; // beside the packages, so that what is compiled in it finds them

before(async () => {
  const port = await freePort();
  sandbox = await Sandbox.start(`http://127.0.0.1:${port}`);
  await sandbox.serve(port);
  text = await (await fetch(`${sandbox.api}/openapi.json`)).text();
  folder = fs.mkdtempSync(path.join(process.env.WELKIN_NODE_ROOT, 'client-'));
});
after(() => {
  sandbox?.stop();
  if (folder) fs.rmSync(folder, { recursive: true, force: true });
});

test('swagger-parser finds no fault in the document', async () => {
  await SwaggerParser.validate(JSON.parse(text));
});

test("redocly's recommended rules find no error and no warning in it", async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const found = await lintFromString({ source: text, absoluteRef: 'openapi.json', config });
  assert.deepStrictEqual(found.map((problem) => `${problem.severity} ${problem.ruleId}: ${problem.message} ${problem.location[0]?.pointer}`), []);
});

/** Runs a package's program in `folder`; what it prints is told when it fails. */
function run(program, ...options) {
  const file = path.join(process.env.WELKIN_NODE_ROOT, 'node_modules', '.bin', program);
  try {
    execFileSync(file, options, { cwd: folder, stdio: 'pipe', env: { PATH: process.env.PATH } });
  } catch (error) {
    assert.fail(`${program}: ${error.stdout}${error.stderr}`);
  }
}

test('a client over the types generated from it compiles strictly, and buys, captures and refunds', async () => {
  fs.writeFileSync(path.join(folder, 'openapi.json'), text);
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
  fs.copyFileSync(fileURLToPath(new URL('client.ts', import.meta.url)), path.join(folder, 'client.ts'));
  run('openapi-typescript', 'openapi.json', '-o', 'openapi.d.ts');
  assert.doesNotMatch(fs.readFileSync(path.join(folder, 'openapi.d.ts'), 'utf8'), /payload: (unknown|Record<string, never>)/);
  fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noUnusedLocals: true, exactOptionalPropertyTypes: true, types: [],
      target: 'es2022', lib: ['es2022', 'dom'], module: 'es2022', moduleResolution: 'bundler',
    },
    files: ['client.ts'],
  }));
  run('tsc');

  const { buy } = await import(pathToFileURL(path.join(folder, 'client.js')));
  const bought = await buy(sandbox.api, 'key', async () => {
    const order = (await sandbox.pending()).find((pending) => pending.channel === 'sandbox');
    await sandbox.act(order.out_order_no, 'pay');
  });
  assert.strictEqual(bought.created.status, 'PAYING');
  assert.strictEqual(bought.again.id, bought.created.id);
  assert.strictEqual(bought.replayed, 'true');
  assert.strictEqual(bought.captured.captured_amount, 1000);
  assert.strictEqual(bought.refund.amount, 250);
  assert.deepStrictEqual(bought.listed.map((payment) => payment.id), [bought.created.id]);
  const money = new Map(bought.money);
  assert.strictEqual(money.get('payment_created'), 1250);
  assert.strictEqual(money.get('payment_paid'), 1000);
  assert.strictEqual(bought.refusal.status, 422);
});
