// Starts a server with TLS, runs each library's own test against it with the private authority trusted, and stops it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const HERE = new URL("./", import.meta.url).pathname;
const { COUNTERSIGN_BIN, PYTHON = join(HERE, ".venv/bin/python") } = process.env;
assert.ok(COUNTERSIGN_BIN, "set COUNTERSIGN_BIN to the program");

const data = await mkdtemp(join(tmpdir(), "countersign-auth0-"));
const server = spawn(COUNTERSIGN_BIN, ["dev", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--data", data], {
  stdio: ["ignore", "pipe", "ignore"],
});
const gone = once(server, "exit");

async function run(program, args, env) {
  const child = spawn(program, args, { cwd: HERE, env: { ...process.env, ...env }, stdio: "inherit" });
  const [status] = await once(child, "exit");
  return status;
}

try {
  const bases = {};
  for await (const line of createInterface({ input: server.stdout })) {
    const [, scheme, rest] = line.match(/^ready (https?):\/\/(\S+)$/) ?? [];
    if (scheme) bases[scheme] = `${scheme}://${rest}`;
    if (bases.http && bases.https) break;
  }
  server.stdout.resume();
  const ca = join(data, "ca.pem");
  const env = {
    BASE_URL: bases.http,
    DOMAIN: bases.https.replace("https://", ""),
    NODE_EXTRA_CA_CERTS: ca,
    SSL_CERT_FILE: ca,
    REQUESTS_CA_BUNDLE: ca,
  };
  const node = ["--test", "--test-reporter=spec", "--test-concurrency=1", "."];
  const failed = [];
  if (await run(process.execPath, node, env)) failed.push("JavaScript");
  for (const script of ["server_python.py", "python_client.py"]) {
    if (await run(PYTHON, [script], env)) failed.push(script);
  }
  assert.deepEqual(failed, []);
} finally {
  server.kill("SIGTERM");
  await gone;
  await rm(data, { recursive: true, force: true });
}
