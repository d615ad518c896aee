// The second step of a log-in as people meet it: on a small phone and on a desktop, with JavaScript and without, by keyboard, with an
// app, a phone and a recovery code, and back to whoever sent them. A picture of every state is left to be looked at.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { assertAccessible, assertClean, assertNoSidewaysScroll, DESKTOP, json, openPage, PHONE, setStage, shoot, tabTo } from "./stage.mjs";

const RETURN_TO = "http://localhost:3000/";
const STATE = "a b&c";
let stage, application;
let people = 0;

before(async () => {
  stage = await setStage();
  const { tenants } = await stage.api.get("/sandbox/credentials");
  application = tenants.find(({ name }) => name === "dev").auth0;
});
after(() => stage?.close());

const newcomer = () => `customer-${process.pid}-${(people += 1)}`;
const begin = (user, more = {}) =>
  stage.api.post("/v1/mfa-tokens", { client_id: application.client_id, user, return_to: RETURN_TO, state: STATE, ...more }, 201);
const later = (seconds) => stage.api.post("/sandbox/clock", { advance_seconds: seconds }, 200);

/** What an app with this secret shows now (RFC 6238). */
async function shownByApp(key) {
  const { now } = await stage.api.get("/sandbox/clock");
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.parse(now) / 30_000)));
  const bits = [...key.replaceAll(" ", "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"));
  const secret = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const tag = createHmac("sha1", secret).update(counter).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** The code of the latest message to a number, once there are so many. */
async function codeTo(number, count) {
  let [found, after] = [[], 0];
  while (found.length < count) {
    found = found.concat((await stage.api.get(`/sandbox/messages?to=${number.slice(1)}&after=${after}&wait=20`)).messages);
    after = found.at(-1).seq;
  }
  return found.at(-1).code;
}

/** The page, in a browser in which the caller's own page answers too. */
async function open(begun, dress = {}) {
  const page = await openPage(stage, new URL(begun.page_url).pathname, dress);
  page.runsScripts = dress.javaScriptEnabled ?? true;
  await page.context().route(`${RETURN_TO}**`, (route) => route.fulfill({ contentType: "text/html", body: "<h1>Signed in</h1>" }));
  return page;
}

async function look(page, name) {
  // The checker is a script itself.
  if (page.runsScripts) await assertAccessible(page);
  await assertNoSidewaysScroll(page);
  await shoot(page, name);
}

/** The browser is back at the caller's; what it brings is handed in. */
async function arrivesBack(page, { id }, user, factor) {
  await page.getByRole("heading", { name: "Signed in" }).waitFor();
  const query = new URL(page.url()).searchParams;
  assert.equal(query.get("state"), STATE);
  const told = await stage.api.post("/v1/mfa-results", { result: query.get("mfa_result") }, 200);
  assert.deepEqual([told.id, told.user, told.factor], [id, user, factor]);
  await stage.api.post("/v1/mfa-results", { result: query.get("mfa_result") }, 409);
  await leave(page);
}

async function leave(page) {
  page.faults = page.faults.filter((fault) => !fault.includes("localhost:3000") && !fault.includes("status of 4"));
  await assertClean(page);
}

async function typeCode(page, code) {
  const field = page.getByLabel("Code", { exact: true });
  assert.deepEqual([await field.getAttribute("autocomplete"), await field.getAttribute("inputmode")], ["one-time-code", "numeric"]);
  await field.fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Somebody with an app: who, its key, and the recovery code. */
async function withApp(dress) {
  const user = newcomer();
  const begun = await begin(user);
  const page = await open(begun, dress);
  await page.getByRole("button", { name: "Authenticator app" }).click();
  const key = await page.locator(".key").textContent();
  await typeCode(page, await shownByApp(key));
  const kept = await page.locator(".key").textContent();
  await page.getByRole("button", { name: "I have saved it" }).click();
  await arrivesBack(page, begun, user, "totp");
  await later(60);
  return { user, key, kept };
}

for (const [viewport, javaScriptEnabled] of [[PHONE, true], [DESKTOP, true], [PHONE, false]]) {
  const name = `mfa-${viewport.width}${javaScriptEnabled ? "" : "-without-scripts"}`;
  const dress = { viewport, javaScriptEnabled };

  test(`an app is enrolled, used, and lost (${name})`, async () => {
    const user = newcomer();
    let begun = await begin(user, { account: "ana@example.com" });
    let page = await open(begun, dress);
    await look(page, `${name}-enrol`);
    await page.getByRole("button", { name: "Authenticator app" }).click();
    const picture = page.getByRole("img", { name: "QR code of the key below" });
    if (javaScriptEnabled) assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
    const uri = await page.getByRole("link", { name: "Set up on this device" }).getAttribute("href");
    assert.match(uri, /^otpauth:\/\/totp\/Sandbox:ana%40example\.com\?secret=[A-Z2-7]{32}&issuer=Sandbox&/);
    const key = await page.locator(".key").textContent();
    await look(page, `${name}-app`);
    await typeCode(page, "000000");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.locator(".key").textContent(), key, "a wrong code makes no other key");
    await look(page, `${name}-app-wrong`);
    await page.reload();
    await page.getByRole("alert").waitFor();
    await typeCode(page, await shownByApp(key));
    await page.getByRole("heading", { name: "Keep this code safe" }).waitFor();
    const kept = await page.locator(".key").textContent();
    assert.match(kept, /^([A-Z0-9]{4} ?){6}$/);
    await look(page, `${name}-keep`);
    await page.reload();
    assert.equal(await page.locator(".key").textContent(), kept, "it is shown until it was kept");
    await page.getByRole("button", { name: "I have saved it" }).click();
    await arrivesBack(page, begun, user, "totp");

    await later(60);
    begun = await begin(user);
    page = await open(begun, dress);
    await look(page, `${name}-code`);
    await typeCode(page, "000000");
    await page.getByRole("alert").waitFor();
    await look(page, `${name}-code-wrong`);
    await typeCode(page, await shownByApp(key));
    await page.getByRole("heading", { name: "Signed in" }).waitFor();
    const once_more = await fetch(begun.page_url, { redirect: "manual" });
    assert.deepEqual([once_more.status, once_more.headers.get("location")], [303, page.url()], "whoever goes back is led on");
    await arrivesBack(page, begun, user, "totp");
    page = await open(begun, dress);
    await page.getByRole("heading", { name: "This link has ended" }).waitFor();
    await look(page, `${name}-over`);
    await leave(page);

    begun = await begin(user);
    page = await open(begun, dress);
    await page.getByRole("link", { name: "Try another way" }).click();
    await look(page, `${name}-ways-of-an-app`);
    await page.getByRole("link", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(kept.toLowerCase());
    await look(page, `${name}-recovery`);
    await page.getByRole("button", { name: "Continue" }).click();
    assert.notEqual(await page.locator(".key").textContent(), kept);
    await page.getByRole("button", { name: "I have saved it" }).click();
    await arrivesBack(page, begun, user, "recovery_code");
  });

  test(`a phone is enrolled and asked (${name})`, async () => {
    const [user, number] = [newcomer(), `+1312555${1000 + people}`];
    let begun = await begin(user);
    let page = await open(begun, dress);
    await page.getByRole("link", { name: "Text message" }).click();
    await page.getByLabel("Phone number").fill("123");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Phone number").inputValue(), "123");
    await look(page, `${name}-number`);
    await page.getByLabel("Phone number").fill(number);
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByText(new RegExp(`••••\\s${number.slice(-4)}`)).waitFor();
    await look(page, `${name}-sent`);
    await page.getByRole("button", { name: "Send a new code" }).click();
    await page.getByText(/^A code was sent a moment ago\. The next one can be sent in \d+ s\.$/).waitFor();
    await look(page, `${name}-too-soon`);
    await later(30);
    await page.getByRole("button", { name: "Send a new code" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await typeCode(page, await codeTo(number, 2));
    await page.getByRole("button", { name: "I have saved it" }).click();
    await arrivesBack(page, begun, user, "sms");

    begun = await begin(user);
    page = await open(begun, dress);
    await look(page, `${name}-ways`);
    await page.getByRole("button", { name: /^Text message/ }).click();
    await typeCode(page, await codeTo(number, 3));
    await arrivesBack(page, begun, user, "sms");
  });

  test(`too many wrong codes stop even the right one, and tell for how long (${name})`, async () => {
    const { user, key } = await withApp(dress);
    const begun = await begin(user);
    let page = await open(begun, dress);
    for (let wrong = 0; wrong < 10; wrong += 1) {
      await typeCode(page, "00000x");
      await page.getByRole("alert").waitFor();
    }
    await typeCode(page, await shownByApp(key));
    await page.getByText(/You can try again in [1-6] min\./).waitFor();
    await look(page, `${name}-stopped`);
    await later(361);
    await page.getByRole("link", { name: "Try again" }).click();
    await typeCode(page, await shownByApp(key));
    await arrivesBack(page, begun, user, "totp");
  });
}

test("by keyboard alone", async () => {
  const { user, key } = await withApp({ viewport: DESKTOP });
  const begun = await begin(user);
  const page = await open(begun, { viewport: DESKTOP });
  await tabTo(page, "a[href$='/ways']");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/ways");
  await tabTo(page, "a.choice");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.endsWith("/ways"));
  assert.equal(await page.evaluate(() => document.activeElement.id), "code", "the field has the focus");
  await page.keyboard.type(await shownByApp(key));
  await page.keyboard.press("Enter");
  await arrivesBack(page, begun, user, "totp");
});

test("whoever cancels or comes late goes back without it, and no address but the client's own is taken", async () => {
  const begun = await begin(newcomer());
  const page = await open(begun);
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "Signed in" }).waitFor();
  const query = () => Object.fromEntries(new URL(page.url()).searchParams);
  assert.deepEqual(query(), { mfa_error: "cancelled", state: STATE });
  await later(601);
  assert.equal((await page.goto(begun.page_url)).status(), 410);
  await look(page, "mfa-late");
  await page.getByRole("link", { name: "Back to sandbox" }).click();
  assert.deepEqual(query(), { mfa_error: "expired", state: STATE });
  await leave(page);
  for (const elsewhere of ["https://evil.example/", `${RETURN_TO}x`, "http://localhost:3000", "//evil.example", "javascript:alert(1)"]) {
    await stage.api.post("/v1/mfa-tokens", { client_id: application.client_id, user: "x", return_to: elsewhere }, 422);
  }
});

test("a ticket of the management API lets somebody enrol once", async () => {
  const { user_id } = await stage.api.post("/sandbox/users", { tenant: "dev", username: `t${process.pid}@example.com`, password: "correct horse", mfa: "required" }, 201);
  const form = { grant_type: "client_credentials", client_id: application.client_id, client_secret: application.client_secret, audience: `${stage.base}/api/v2/` };
  const { access_token } = await json(await fetch(`${stage.base}/oauth/token`, { method: "POST", body: new URLSearchParams(form) }), 200);
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
  const ask = (more) => fetch(`${stage.base}/api/v2/guardian/enrollments/ticket`, { method: "POST", headers, body: JSON.stringify({ user_id, ...more }) });
  const { ticket_url } = await json(await ask({ factor: "otp" }), 200);
  const page = await open({ page_url: ticket_url });
  assert.equal(await page.locator(".choice").count(), 1, "only what the ticket is for");
  await page.getByRole("button", { name: "Authenticator app" }).click();
  await typeCode(page, await shownByApp(await page.locator(".key").textContent()));
  await page.getByRole("button", { name: "I have saved it" }).click();
  await page.getByRole("heading", { name: "Your second step is set up" }).waitFor();
  await look(page, "mfa-ticket-done");
  await assertClean(page);
  await json(await ask({}), 409);
  await json(await ask({ allow_multiple_enrollments: true }), 200);
});

test("in Arabic the page turns, in the dark it is dark, and a link that never was tells nothing", async () => {
  const page = await open(await begin(newcomer()), { locale: "ar", viewport: PHONE });
  assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
  await look(page, "mfa-arabic");
  await page.locator("button.app").click();
  await look(page, "mfa-arabic-app");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "mfa-dark-app");
  await page.goto(new URL("./ways", `${page.url()}/`).href.replace("/app", ""));
  await look(page, "mfa-dark");
  assert.equal((await page.goto(`${stage.base}/a/nothing`)).status(), 404);
  await leave(page);
});

test("every page of it is small", async () => {
  const begun = await begin(newcomer());
  const paths = ["/pages/style.css", "/pages/icons.svg", "/pages/logo.svg", new URL(begun.page_url).pathname];
  const sizes = await Promise.all(paths.map(async (path) => (await (await fetch(stage.base + path)).arrayBuffer()).byteLength));
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 30_000, `${sizes}`);
});
