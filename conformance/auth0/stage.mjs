// What the tests of all libraries share: the credentials of dev mode, fresh users, the inbox, and the codes of an app.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

const { BASE_URL } = process.env;
export const { DOMAIN } = process.env;

async function json(path, body) {
  const init = body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(BASE_URL + path, init);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

const { tenants } = await json("/sandbox/credentials");
export const { client_id: clientId, client_secret: clientSecret, public_client_id: publicClientId, audience } = tenants[0].auth0;

let users = 0;

/** A user of this test alone. */
export function freshUser(mfa = "required") {
  users += 1;
  return json("/sandbox/users", { tenant: "dev", username: `js-${process.pid}-${users}@example.com`, password: "correct horse", mfa });
}

// Each test file runs in a process of its own.
let numbers = 5_550_000 + (process.pid % 400) * 20;

/** A number that nobody else has. */
export function freshNumber() {
  numbers += 1;
  return `+1212${numbers}`;
}

/** The last message to an address, once there are so many. */
export async function lastCode(to, count = 1) {
  let after = 0;
  let found = [];
  while (found.length < count) {
    const { messages } = await json(`/sandbox/messages?to=${encodeURIComponent(to)}&after=${after}&wait=10`);
    assert.notEqual(messages.length, 0, `no message to ${to}`);
    found = found.concat(messages);
    after = found.at(-1).seq;
  }
  return found.at(-1).code;
}

/** Moves the clock so far that an app shows another code. */
export async function nextStep() {
  await json("/sandbox/clock", { advance_seconds: 30 });
}

/** What an app with this secret shows now (RFC 6238). */
export async function shownByApp(secret) {
  const { now } = await json("/sandbox/clock");
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.parse(now) / 30_000)));
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const tag = createHmac("sha1", key).update(counter).digest();
  const number = (tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000;
  return String(number).padStart(6, "0");
}

/** Another code than this one. */
export const wrong = (code) => (code === "000000" ? "000001" : "000000");
