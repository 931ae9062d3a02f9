// Both ends for the conformance tests: the channels' own packages, from WELKIN_NODE_ROOT, and our
// wire formats, in the program WELKIN_WIRE_PEER. Nothing here opens a connection to anywhere.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const vectors = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'vectors');

/** A package as npm installed it. */
export const sdk = createRequire(path.join(process.env.WELKIN_NODE_ROOT, 'package.json'));

/** "wechat_merchant_key" for the text of its PEM file. */
export const key = (name) => fs.readFileSync(path.join(vectors, 'keys', `${name}.TESTONLY.pem`), 'utf8');
export const vector = (name) => JSON.parse(fs.readFileSync(path.join(vectors, name), 'utf8'));

/** Our side of one channel. Close it, or the test program does not end. */
export class WirePeer {
  constructor(channel) {
    this.channel = channel;
    this.child = spawn(process.env.WELKIN_WIRE_PEER, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.waiting = [];
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.waiting.shift().resolve(JSON.parse(line));
    });
    this.child.on('exit', (code) => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`wire_peer ended with ${code}`));
    });
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ channel: this.channel, ...question })}\n`);
    });
  }

  /** The request the runtime would send for a call. */
  encode(call, now_s, nonce = '') {
    return this.ask({ do: 'encode', call, now_s, nonce });
  }

  /** What the runtime makes of an answer to a call. */
  answer(call, now_s, { status, headers = {}, body }) {
    return this.ask({ do: 'answer', call, now_s, nonce: 'n', status, headers, body });
  }

  /** What the runtime makes of a callback. */
  callback(now_s, headers, body) {
    return this.ask({ do: 'callback', now_s, headers, body });
  }

  close() {
    this.child.stdin.end();
  }
}

/** The same text with one character of it changed, at each of some places. */
export function* tampered(text, places = 8) {
  for (let i = 0; i < places; ++i) {
    const at = Math.floor((text.length - 1) * (i / (places - 1)));
    const other = text[at] === 'A' ? 'B' : 'A';
    yield text.slice(0, at) + other + text.slice(at + 1);
  }
}
