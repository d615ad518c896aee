// The image grid as people meet it: on a small phone and on a desktop, with JavaScript and without, by keyboard, in any language.
// A picture of every state is left to be looked at.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { assertAccessible, assertClean, assertNoSidewaysScroll, DESKTOP, json, openPage, PHONE, setStage, shoot, tabTo } from "./stage.mjs";

let stage, token;
let subscriber = 10_000;

before(async () => {
  stage = await setStage();
  const { tenants } = await stage.api.get("/sandbox/credentials");
  ({ token } = tenants.find(({ name }) => name === "dev").clickatell);
});
after(() => stage?.close());

const headers = () => ({ "x-version": "1", authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" });

/** Asks for a grid as a relying party does: its id, and the link that reached the phone. */
async function send(more = {}) {
  const to = `279990${subscriber++}`;
  const body = JSON.stringify({ authType: "grid", to, ...more });
  const { data } = await json(await fetch(`${stage.base}/rest/auth`, { method: "POST", headers: headers(), body }), 202);
  const { messages } = await stage.api.get(`/sandbox/messages?to=${to}&wait=20`);
  const { link, text } = messages.at(-1);
  assert.ok(text.includes(link) && text.length <= 160, text);
  return { id: data.apiRequestId, link, path: new URL(link).pathname };
}

const status = async (id) => (await json(await fetch(`${stage.base}/rest/auth/${id}`, { headers: headers() }), 200)).data;
const later = (seconds) => stage.api.post("/sandbox/clock", { advance_seconds: seconds }, 200);

const start = (page) => page.getByRole("button", { name: "Start" }).click();

/** Taps the picture that the prompt names, or another one. */
async function tap(page, right = true) {
  const prompt = await page.getByRole("heading", { level: 1 }).textContent();
  const [, wanted] = prompt.match(/^Tap the (.+)$/);
  const names = await page.getByRole("button").locator("img").evaluateAll((images) => images.map(({ alt }) => alt));
  assert.ok(names.includes(wanted), `${wanted} is not among ${names}`);
  const name = right ? wanted : names.find((other) => other !== wanted);
  await page.getByRole("button", { name, exact: true }).click();
  return prompt;
}

async function picturesArrived(page) {
  const widths = await page.locator(".tile img").evaluateAll((images) => Promise.all(images.map(async (image) => (await image.decode(), image.naturalWidth))));
  assert.ok(widths.length > 0 && widths.every((width) => width > 0), `${widths}`);
}

async function solve(page, screens) {
  await start(page);
  for (let screen = 1; screen <= screens; screen += 1) {
    await page.getByText(`${screen} of ${screens}`).waitFor();
    await tap(page);
  }
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
}

async function look(page, name) {
  await assertAccessible(page);
  await assertNoSidewaysScroll(page);
  await page.screenshot({ path: new URL(`./screenshots/${name}.png`, import.meta.url).pathname, fullPage: true });
}

for (const javaScriptEnabled of [true, false]) {
  for (const viewport of [PHONE, DESKTOP]) {
    const dress = `${viewport.width} px, JavaScript ${javaScriptEnabled ? "on" : "off"}`;

    test(`a grid is solved (${dress})`, async () => {
      const { id, path } = await send();
      const page = await openPage(stage, path, { viewport, javaScriptEnabled });
      assert.equal((await status(id)).challengeStatus, "010");
      await assertAccessible(page);
      await solve(page, 3);
      await assertAccessible(page);
      assert.deepEqual(await status(id), { challengeStatus: "020", challengeSolved: true, description: "Challenge solved" });
      const again = await page.goto(stage.base + path);
      assert.equal(again.status(), 410);
      page.faults = page.faults.filter((fault) => !fault.includes("410"));
      await assertClean(page);
    });

    test(`a grid is failed, and then nothing more can be tried (${dress})`, async () => {
      const { id, path } = await send();
      const page = await openPage(stage, path, { viewport, javaScriptEnabled });
      await start(page);
      await tap(page, false);
      await page.getByText("2 of 3").waitFor();
      await assertAccessible(page);
      await tap(page);
      await tap(page);
      await page.getByRole("heading", { name: "Not confirmed" }).waitFor();
      await assertAccessible(page);
      assert.equal(await page.getByRole("button").count(), 0);
      assert.equal((await status(id)).challengeStatus, "040");
      assert.equal((await page.goto(stage.base + path)).status(), 410);
      await page.context().close();
    });

    test(`a grid expires between two screens (${dress})`, async () => {
      const { id, path } = await send({ overrideExpireTime: 1 });
      const page = await openPage(stage, path, { viewport, javaScriptEnabled });
      await start(page);
      await tap(page);
      await page.getByText("2 of 3").waitFor();
      await later(61);
      await tap(page);
      await page.getByRole("heading", { name: "This link has ended" }).waitFor();
      await assertAccessible(page);
      assert.equal((await status(id)).challengeStatus, "050");
      await page.context().close();
    });
  }
}

test("one wrong pass of two is forgiven, with fresh screens", async () => {
  const { id, path } = await send({ maximumRetries: 2, numberOfChallenges: 2, numberOfImagesPerChallenge: 8 });
  const page = await openPage(stage, path, { viewport: PHONE });
  await start(page);
  const first = [await tap(page), await tap(page, false)];
  await page.getByRole("heading", { name: "That was not right" }).waitFor();
  await page.getByText("Attempts left: 1").waitFor();
  assert.equal((await status(id)).challengeStatus, "010");
  await page.getByRole("button", { name: "Try again" }).click();
  const second = [await tap(page), await tap(page)];
  assert.notDeepEqual(first, second);
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
  assert.equal((await status(id)).challengeStatus, "020");
  await assertClean(page);
});

test("grid-plus names nothing and is solved from memory", async () => {
  const enrolled = ["dog", "tree"];
  const { id, path } = await send({ authType: "gridplus", numberOfChallenges: enrolled });
  const page = await openPage(stage, path, { viewport: PHONE });
  await start(page);
  for (const name of enrolled) {
    const text = await page.locator("body").innerText();
    assert.ok(!/\b(dog|tree)\b/i.test(text), text);
    await page.getByRole("button", { name, exact: true }).click();
  }
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
  assert.equal((await status(id)).challengeSolved, true);
  await assertClean(page);
});

test("opening, reloading and going back spend nothing", async () => {
  const { id, path } = await send();
  for (let opened = 0; opened < 20; opened += 1) assert.equal((await fetch(stage.base + path)).status, 200);
  const page = await openPage(stage, path);
  await start(page);
  const before = await page.getByRole("heading", { level: 1 }).textContent();
  await page.reload();
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), before);
  await tap(page);
  await page.getByText("2 of 3").waitFor();
  await page.goBack();
  await page.goForward();
  await page.goto(stage.base + path);
  await start(page);
  await page.getByText("2 of 3").waitFor();
  await tap(page);
  await tap(page);
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
  assert.equal((await status(id)).challengeStatus, "020");
  await page.context().close();
});

test("a form that was sent before is of no use again", async () => {
  const { id, path } = await send();
  const page = await openPage(stage, path);
  await start(page);
  const prompt = await page.getByRole("heading", { level: 1 }).textContent();
  const tile = await page.getByRole("button", { name: prompt.replace("Tap the ", ""), exact: true }).getAttribute("value");
  await tap(page);
  for (let times = 0; times < 5; times += 1) {
    const answer = await fetch(stage.base + path, { method: "POST", body: new URLSearchParams({ tile }) });
    assert.ok((await answer.text()).includes("2 of 3"));
  }
  await tap(page);
  await tap(page);
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
  const answer = await fetch(stage.base + path, { method: "POST", body: new URLSearchParams({ tile }) });
  assert.equal(answer.status, 410);
  assert.equal((await status(id)).challengeStatus, "020");
  await page.context().close();
});

test("the keyboard alone solves it", async () => {
  const { path } = await send();
  const page = await openPage(stage, path, { viewport: PHONE });
  await tabTo(page, ".main-button");
  await page.keyboard.press("Enter");
  for (let screen = 1; screen <= 3; screen += 1) {
    await page.getByText(`${screen} of 3`).waitFor();
    const wanted = (await page.getByRole("heading", { level: 1 }).textContent()).replace("Tap the ", "");
    const value = await page.getByRole("button", { name: wanted, exact: true }).getAttribute("value");
    await tabTo(page, `[value="${value}"]`);
    await page.keyboard.press(screen === 2 ? "Space" : "Enter");
  }
  await page.getByRole("heading", { name: "Sign-in confirmed" }).waitFor();
  await assertClean(page);
});

test("no page weighs more than 30 kB without its pictures, none has a script, and pictures tell nothing by their address", async () => {
  const { path } = await send({ numberOfImagesPerChallenge: 8 });
  const page = await openPage(stage, path);
  const seen = new Set();
  page.on("response", (response) => response.url().endsWith(".png") && seen.add(response.url()));
  await start(page);
  await picturesArrived(page);
  const parts = await Promise.all([page.url(), "/pages/style.css", "/pages/logo.svg"].map(async (part) => (await fetch(new URL(part, stage.base))).arrayBuffer()));
  const weight = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(weight > 3000 && weight < 30_000, `${weight} bytes`);
  assert.equal(await page.locator("script").count(), 0);
  const names = await page.locator(".tile img").evaluateAll((images) => images.map(({ alt }) => alt));
  const first = [...seen];
  assert.equal(first.length, 8);
  for (const url of first) {
    assert.ok(!names.some((name) => url.includes(name)), url);
    assert.equal((await fetch(url)).status, 200);
  }
  await tap(page);
  await page.getByText("2 of 3").waitFor();
  for (const url of first) assert.equal((await fetch(url)).status, 404, "an address is good for its own screen only");
  await page.context().close();
});

test("a company's logo is the only thing from elsewhere", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="180" height="40"><rect width="180" height="40" rx="8" fill="#1b3a6b"/><circle cx="22" cy="20" r="9" fill="#f2b705"/><text x="42" y="27" font-family="sans-serif" font-size="20" font-weight="700" fill="#fff">Bank of Test</text></svg>';
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.referer ?? "");
    response.writeHead(200, { "content-type": "image/svg+xml" }).end(svg);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const companyImageUrl = `http://127.0.0.1:${server.address().port}/logo.svg`;
  const { path } = await send({ companyImageUrl });
  for (const viewport of [PHONE, DESKTOP]) {
    const page = await openPage(stage, path, { viewport });
    await start(page);
    await picturesArrived(page);
    assert.deepEqual(new Set(page.faults), new Set([`foreign request: ${companyImageUrl}`]));
    await look(page, `grid-logo-${viewport.width}`);
    await page.context().close();
  }
  assert.ok(asked.length > 0 && asked.every((referer) => referer === ""), "the logo's server learns no link");
  server.close();
});

// What a person of each of these languages sees; Arabic lays out from right to left.
const LANGUAGES = ["ar", "de-CH", "es-MX", "fr", "it", "ja", "nl", "pl", "pt-BR", "ru", "tr", "zh-CN"];

test("the page speaks the language of the browser", async () => {
  for (const locale of LANGUAGES) {
    const { id, path } = await send({ numberOfChallenges: 1 });
    const page = await openPage(stage, path, { viewport: PHONE, locale });
    const [language] = locale.split("-");
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    await page.locator(".main-button").click();
    await picturesArrived(page);
    const prompt = await page.getByRole("heading", { level: 1 }).textContent();
    const names = await page.locator(".tile img").evaluateAll((images) => images.map(({ alt }) => alt));
    const wanted = names.filter((name) => prompt.includes(name)).sort((one, other) => other.length - one.length)[0];
    assert.ok(wanted, `${prompt}: ${names}`);
    if (language === "ar") {
      const [first, second] = await page.locator(".tile").evaluateAll((tiles) => tiles.map((tile) => tile.getBoundingClientRect().x));
      assert.ok(first > second, "the first picture is on the right");
    }
    await look(page, `grid-screen-320-${language}`);
    await page.getByRole("button", { name: wanted, exact: true }).click();
    await page.locator(".sign.good").waitFor();
    assert.equal((await status(id)).challengeSolved, true, prompt);
    await assertClean(page);
  }
});

test("every state, wide and narrow, light and dark", async () => {
  for (const viewport of [PHONE, DESKTOP]) {
    for (const colorScheme of ["light", "dark"]) {
      const dress = `${viewport.width}-${colorScheme}`;
      const open = async (more) => openPage(stage, (await send(more)).path, { viewport, colorScheme, reducedMotion: "reduce" });
      const page = await open({ maximumRetries: 2, numberOfChallenges: 2 });
      await look(page, `grid-start-${dress}`);
      await start(page);
      await picturesArrived(page);
      await look(page, `grid-screen-${dress}`);
      await tap(page, false);
      await tap(page);
      await look(page, `grid-wrong-${dress}`);
      await page.getByRole("button", { name: "Try again" }).click();
      await tap(page);
      await tap(page);
      await look(page, `grid-solved-${dress}`);
      await assertClean(page);

      const failed = await open({ numberOfChallenges: 1, numberOfImagesPerChallenge: 2 });
      await start(failed);
      await picturesArrived(failed);
      await look(failed, `grid-two-${dress}`);
      await tap(failed, false);
      await look(failed, `grid-failed-${dress}`);
      await failed.context().close();

      const plus = await open({ authType: "gridplus", numberOfChallenges: ["dog", "tree", "house"], numberOfImagesPerChallenge: 8 });
      await start(plus);
      await picturesArrived(plus);
      await look(plus, `grid-plus-${dress}`);
      await assertClean(plus);

      const nobody = await openPage(stage, "/c/aaaaaaaaaaaaaaaaaaaaaaaaaa", { viewport, colorScheme });
      await look(nobody, `grid-over-${dress}`);
      await nobody.context().close();
    }
  }
});
