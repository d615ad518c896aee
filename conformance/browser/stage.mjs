// What every test here stands on: a running server, a browser, and a page that is watched. The server is the one at BASE_URL,
// or one that is started from COUNTERSIGN_BIN and stopped at the end. Nothing sleeps: all waiting is for a condition.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const DESKTOP = { width: 1280, height: 860 };
export const PHONE = { width: 320, height: 680 };
export const SCREENSHOTS = new URL("./screenshots/", import.meta.url).pathname;

const { BASE_URL, COUNTERSIGN_BIN, CHROMIUM = "/usr/bin/chromium" } = process.env;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Whether the tests may stop and start the server. */
export const OWNS_SERVER = Boolean(COUNTERSIGN_BIN);

/** Starts `countersign dev`; resolves when it says that it is ready. */
export async function startServer({ listen = "127.0.0.1:0", data = null } = {}) {
  const process = spawn(COUNTERSIGN_BIN, ["dev", "--listen", listen, ...(data ? ["--data", data] : [])], { stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  process.stderr.on("data", (chunk) => said.push(chunk));
  const gone = once(process, "exit");
  let base = null;
  for await (const line of createInterface({ input: process.stdout })) {
    [, base] = line.match(/^ready (http:\/\/\S+)$/) ?? [];
    if (base) break;
  }
  assert.ok(base, `the server did not become ready: ${Buffer.concat(said)}`);
  process.stdout.resume();
  return {
    base,
    stop: async (signal = "SIGTERM") => {
      process.kill(signal);
      await gone;
    },
  };
}

export async function json(answer, status) {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return text === "" ? null : JSON.parse(text);
}

/** What a caller of the native API does. */
export class Api {
  #key = null;

  constructor(base) {
    this.base = base;
  }

  async get(path) {
    return json(await fetch(this.base + path), 200);
  }

  async #authorization() {
    this.#key ??= (await this.get("/sandbox/credentials")).tenants.find(({ name }) => name === "dev").native.api_key;
    return { authorization: `Bearer ${this.#key}` };
  }

  async templates() {
    const answer = await fetch(`${this.base}/v1/templates`, { headers: await this.#authorization() });
    return (await json(answer, 200)).templates;
  }

  async post(path, body, status) {
    const headers = { ...(await this.#authorization()), "content-type": "application/json" };
    return json(await fetch(this.base + path, { method: "POST", headers, body: JSON.stringify(body) }), status);
  }

  start(to, more = {}) {
    return this.post("/v1/verifications", { to, channel: to.includes("@") ? "email" : "sms", ...more }, 201);
  }

  check(id, code) {
    return this.post(`/v1/verifications/${id}/check`, { code }, 200);
  }

  async messages() {
    return (await this.get("/sandbox/messages")).messages;
  }

  /** The latest message of a verification, once it is there. */
  async messageOf(id) {
    for (let after = 0; ; ) {
      const { messages } = await this.get(`/sandbox/messages?after=${after}&wait=10`);
      const found = messages.findLast(({ verification_id }) => verification_id === id);
      if (found) return found;
      assert.notEqual(messages.length, 0, "no message within 10 seconds");
      after = messages.at(-1).seq;
    }
  }

  async emptyInbox() {
    await json(await fetch(`${this.base}/sandbox/messages`, { method: "DELETE" }), 204);
  }

  /** Far enough that no limit of an earlier run is still in force. */
  async skipADay() {
    await this.post("/sandbox/clock", { advance_seconds: 86_400 }, 200);
  }
}

/** The stage of one test file: `{ base, api, browser, close }`. */
export async function setStage() {
  assert.ok(OWNS_SERVER || BASE_URL, "set COUNTERSIGN_BIN to the program, or BASE_URL to a running `countersign dev`");
  await mkdir(SCREENSHOTS, { recursive: true });
  const server = OWNS_SERVER ? await startServer() : { base: BASE_URL.replace(/\/$/, ""), stop: async () => {} };
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const api = new Api(server.base);
  await api.skipADay();
  return {
    base: server.base,
    api,
    browser,
    close: async () => {
      await browser.close();
      await server.stop();
    },
  };
}

/**
 * A page of its own context. `page.faults` collects what must not happen: errors on the console, refusals by the content
 * security policy, requests to another origin. The test ends with `assertClean(page)`, or says why not.
 */
export async function openPage({ browser, base }, path, { viewport = DESKTOP, ...options } = {}) {
  const context = await browser.newContext({ viewport, permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.faults = [];
  page.on("console", (message) => message.type() === "error" && page.faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => page.faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== base && protocol !== "data:") page.faults.push(`foreign request: ${request.url()}`);
  });
  await page.exposeFunction("reportFault", (fault) => page.faults.push(fault));
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) => window.reportFault(`policy: ${event.effectiveDirective} ${event.blockedURI}`)),
  );
  await page.goto(base + path);
  return page;
}

/** The inbox, when it is following the server. */
export async function openInbox(stage, options) {
  const page = await openPage(stage, "/sandbox", options);
  await page.locator("#state[data-state=live]").waitFor();
  await page.locator("#examples summary").first().waitFor({ state: "attached" });
  return page;
}

export const cardTo = (page, to) => page.locator("li.message").filter({ has: page.locator(".to", { hasText: to }) });
export const codeOf = (card) => card.locator(".code .shown").textContent();
export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

/** Presses Tab until the focus is where it is wanted. */
export async function tabTo(page, selector) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}

export async function assertNoSidewaysScroll(page) {
  const [content, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= room, `the page is ${content} px wide in ${room} px`);
}

export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** No violation of WCAG 2.2 A and AA, nor of axe's best practices for pages. */
export async function assertAccessible(page, rules = [...WCAG, "best-practice"]) {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (tags) => {
    const result = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, iframes: false });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(" | ")}`);
  }, rules);
  assert.deepEqual(violations, []);
}

export async function assertClean(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

export const shoot = (page, name) => page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
