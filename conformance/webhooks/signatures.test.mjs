// Every call of a life of a verification is verified by two libraries, and by Node's own Ed25519; what was changed on the way is
// refused by all of them.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";

const HERE = new URL("./", import.meta.url).pathname;
const { COUNTERSIGN_BIN, PYTHON = `${HERE}.venv/bin/python` } = process.env;
assert.ok(COUNTERSIGN_BIN, "set COUNTERSIGN_BIN to the program");

let server, receiver, base, key, url;
const calls = [];

before(async () => {
  receiver = createServer(async (request, response) => {
    const chunks = await request.toArray();
    calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(204).end();
    receiver.emit("call");
  });
  await once(receiver.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${receiver.address().port}/hooks`;
  server = spawn(COUNTERSIGN_BIN, ["dev", "--listen", "127.0.0.1:0", "--allow-loopback-callbacks"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  base = line.replace("ready ", "");
  key = (await ask("GET", "/sandbox/credentials")).tenants[0].native.api_key;
});

after(async () => {
  server.kill("SIGTERM");
  await once(server, "exit");
  receiver.close();
});

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

/** Waits for a call of this type, and takes all that have arrived. */
async function arrived(type) {
  while (!calls.some((call) => JSON.parse(call.body).type === type)) await once(receiver, "call");
  return calls.splice(0);
}

function byNode(secret, { headers, body }) {
  try {
    return new Webhook(secret).verify(body, headers).type;
  } catch (error) {
    return `refused: ${error.message}`;
  }
}

function byPython(secret, calls) {
  const input = calls.map(({ headers, body }) => JSON.stringify({ secret, headers, body })).join("\n");
  const { stdout, stderr, status } = spawnSync(PYTHON, ["-B", "verify.py"], { cwd: HERE, input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.trim().split("\n");
}

/** Ed25519 (RFC 8032) as Node has it: is one of the signatures `v1a` by this key? */
function byEd25519(whpk, { headers, body }) {
  // A raw key in a SubjectPublicKeyInfo (RFC 8410).
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(whpk.replace("whpk_", ""), "base64")]);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"].split(" ").filter((text) => text.startsWith("v1a,"));
  return signatures.some((text) => verify(null, signed, publicKey, Buffer.from(text.slice(4), "base64")));
}

test("each event of a verification is verified, and with another secret or another body it is not", async () => {
  const endpoint = await ask("POST", "/v1/webhook-endpoints", { url });
  const secret = Buffer.from(endpoint.secret.replace("whsec_", ""), "base64");
  assert.ok(secret.length >= 24 && secret.length <= 64, `${secret.length} bytes`);
  const { id } = await ask("POST", "/v1/verifications", { to: "+34666666111", channel: "sms" });
  const { messages } = await ask("GET", "/sandbox/messages?to=34666666111&wait=20");
  await ask("POST", `/v1/verifications/${id}/check`, { code: "nonsense" });
  await ask("POST", `/v1/verifications/${id}/check`, { code: messages[0].code });
  const told = await arrived("verification.approved");
  const types = told.map((call) => JSON.parse(call.body).type);
  for (const type of ["verification.started", "message.accepted", "verification.code_rejected"]) {
    assert.ok(types.includes(type), `${type} of ${types}`);
  }
  assert.deepEqual(told.map((call) => byNode(endpoint.secret, call)), types);
  assert.deepEqual(byPython(endpoint.secret, told), types);
  assert.ok(told.every((call) => byEd25519(endpoint.public_key, call)));

  const changed = told.map((call) => ({ ...call, body: call.body.replace('"verification"', '"Verification"') }));
  for (const [secret, calls] of [[endpoint.secret, changed], [`whsec_${Buffer.alloc(32, 7).toString("base64")}`, told]]) {
    assert.ok(calls.every((call) => byNode(secret, call).startsWith("refused: No matching signature found")));
    assert.ok(byPython(secret, calls).every((said) => said === "refused: No matching signature found"));
  }
  assert.ok(!changed.some((call) => byEd25519(endpoint.public_key, call)));
});

test("after a rotation both secrets verify for a day, then the new one alone, whatever dev mode's clock says", async () => {
  const old = await ask("POST", "/v1/webhook-endpoints", { url, events: ["webhook.test"] });
  const fresh = await ask("POST", `/v1/webhook-endpoints/${old.id}/rotate-secret`);
  assert.notEqual(fresh.public_key, old.public_key);
  const tried = async () => {
    await ask("POST", `/v1/webhook-endpoints/${old.id}/test`);
    return (await arrived("webhook.test")).at(-1);
  };
  const both = await tried();
  for (const { secret, public_key } of [old, fresh]) {
    assert.equal(byNode(secret, both), "webhook.test");
    assert.deepEqual(byPython(secret, [both]), ["webhook.test"]);
    assert.ok(byEd25519(public_key, both));
  }
  await ask("POST", "/sandbox/clock", { advance_seconds: 86_400 });
  const later = await tried();
  assert.deepEqual([byNode(fresh.secret, later), ...byPython(fresh.secret, [later])], ["webhook.test", "webhook.test"]);
  assert.ok(byNode(old.secret, later).startsWith("refused") && byPython(old.secret, [later])[0].startsWith("refused"));
  assert.ok(byEd25519(fresh.public_key, later) && !byEd25519(old.public_key, later));
});
