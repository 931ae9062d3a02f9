// `welkin sandbox`, and `welkin serve` with the accounts it has written, as processes of their own
// for the conformance tests: the program WELKIN_PROGRAM.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

/** An HTTP server on a free port. */
export function listen(handle) {
  const server = http.createServer((request, answer) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => handle(request, Buffer.concat(chunks), answer));
  });
  return new Promise((ready) => { server.listen(0, '127.0.0.1', () => ready(server)); });
}

export const freePort = () => new Promise((resolve) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

export class Sandbox {
  /** Pays nothing by itself; its callbacks go to `gateway`. */
  static async start(gateway) {
    const sandbox = new Sandbox();
    sandbox.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'welkin-conformance-'));
    sandbox.child = spawn(process.env.WELKIN_PROGRAM, ['sandbox', '--port', '0', '--keys', path.join(sandbox.folder, 'keys'), '--no-auto-pay',
      '--refund-after-ms', '1', '--gateway', gateway, '--route', ''], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of readline.createInterface({ input: sandbox.child.stdout })) {
      if (line.startsWith('sandbox channel on ')) sandbox.url = line.slice('sandbox channel on '.length);
      if (line.startsWith('accounts')) return sandbox;
    }
    throw new Error('the sandbox did not start');
  }

  /** "wechat_merchant_key" for the text of its file, without the comment in front of it. */
  key(name) {
    const file = fs.readdirSync(path.join(this.folder, 'keys')).find((entry) => entry.startsWith(`${name}.test.`));
    return fs.readFileSync(path.join(this.folder, 'keys', file), 'utf8').replace(/^Made by .*\n/, '').trim();
  }

  async act(number, what) {
    const answer = await fetch(`${this.url}/orders/${number}/${what}`, { method: 'POST', body: '' });
    if (answer.status !== 200) throw new Error(await answer.text());
  }

  async pending() {
    return (await (await fetch(`${this.url}/orders`)).json()).orders;
  }

  stop() {
    this.gateway?.kill();
    this.child.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** A gateway on `port` that takes payments of the merchant with the key "key". */
  async serve(port) {
    const config = path.join(this.folder, 'welkin.toml');
    const digest = createHash('sha256').update('key').digest('hex');
    fs.writeFileSync(config, `[store]\nurl = "memory:"\n[http]\nport = ${port}\n[log]\nlevel = "warn"\n[[merchant]]\nid = "m_1"\napi_key_sha256 = ["${digest}"]\n`);
    this.gateway = spawn(process.env.WELKIN_PROGRAM, ['serve', '--config', config, '--config', path.join(this.folder, 'keys', 'accounts.toml')], { stdio: ['ignore', 'inherit', 'inherit'] });
    this.api = `http://127.0.0.1:${port}`;
    for (let i = 0; i < 600; ++i) {
      const ready = await fetch(`${this.api}/readyz`).then((answer) => answer.status === 200, () => false);
      if (ready) return;
      if (this.gateway.exitCode !== null) break;
      await new Promise((later) => { setTimeout(later, 50); });
    }
    throw new Error('the gateway did not start');
  }

  async request(method, url, body) {
    const answer = await fetch(`${this.api}${url}`, {
      method, headers: { Authorization: 'Bearer key', 'Content-Type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: answer.status, body: await answer.json() };
  }
}
