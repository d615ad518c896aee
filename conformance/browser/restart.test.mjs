// The page outlives the server: it waits calmly, and then shows what the server that came back holds.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { Api, cardTo, openInbox, OWNS_SERVER, setStage, shoot, startServer } from "./stage.mjs";

const skip = OWNS_SERVER ? false : "only with COUNTERSIGN_BIN";
let stage;
let folder;
before(async () => {
  if (skip) return;
  stage = await setStage();
  folder = await mkdtemp(join(tmpdir(), "countersign-browser-"));
});
after(async () => {
  await stage?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const stateIs = (page, state) => page.locator(`#state[data-state=${state}]`).waitFor();

async function restarted(dataBefore, dataAfter, body) {
  let server = await startServer({ data: dataBefore });
  const { base } = server;
  const page = await openInbox({ browser: stage.browser, base });
  try {
    await new Api(base).start("+34666666501");
    await cardTo(page, "+34666666501").waitFor();
    await server.stop("SIGKILL");
    await stateIs(page, "away");
    await shoot(page, "away");
    server = await startServer({ listen: new URL(base).host, data: dataAfter });
    await stateIs(page, "live");
    await body(page, new Api(base));
    const broken = page.faults.filter((fault) => !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_SOCKET/.test(fault));
    assert.deepEqual(broken, []);
  } finally {
    await page.context().close();
    await server.stop();
  }
}

test("the server comes back with what it had, and the page follows on", { skip }, () =>
  restarted(join(folder, "kept"), join(folder, "kept"), async (page, api) => {
    assert.equal(await cardTo(page, "+34666666501").count(), 1);
    await api.start("+34666666502");
    await cardTo(page, "+34666666502").waitFor();
    assert.equal(await page.locator("li.message").count(), 2);
  }));

test("another server comes back, and the page shows its messages, keys and commands", { skip }, () =>
  restarted(join(folder, "old"), join(folder, "new"), async (page, api) => {
    await page.locator("#blank").waitFor();
    assert.equal(await page.locator("li.message").count(), 0);
    await api.start("+34666666503");
    await cardTo(page, "+34666666503").waitFor();
    const { tenants } = await api.get("/sandbox/credentials");
    await page.locator("#credentials code", { hasText: tenants[0].native.api_key }).first().waitFor({ state: "attached" });
  }));
