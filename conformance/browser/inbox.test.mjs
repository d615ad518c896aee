// The sandbox inbox, as a person with a mouse or a keyboard meets it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertClean, cardTo, clipboard, codeOf, openInbox, PHONE, setStage, shoot, tabTo } from "./stage.mjs";

let stage;
before(async () => (stage = await setStage()));
after(() => stage?.close());

test("a message appears within a second, without reloading, and its code checks", async (t) => {
  const page = await openInbox(stage);
  await page.evaluate(() => (window.neverReloaded = true));
  const asked = performance.now();
  const { id } = await stage.api.start("+34666666111");
  const card = cardTo(page, "+34666666111");
  await card.waitFor();
  const elapsed = Math.round(performance.now() - asked);
  t.diagnostic(`from the request to the page: ${elapsed} ms`);
  assert.ok(elapsed <= 1000, `it took ${elapsed} ms`);
  assert.equal(await page.evaluate(() => window.neverReloaded), true);
  const code = await codeOf(card);
  assert.match(code, /^\d{4,16}$/);
  const checked = await stage.api.check(id, code);
  assert.equal(checked.valid, true);
  await assertClean(page);
});

test("the first command of the empty inbox works when pasted", async () => {
  await stage.api.emptyInbox();
  await stage.api.skipADay();
  const page = await openInbox(stage);
  const command = await page.locator("#first-command code").textContent();
  await shoot(page, "empty");
  await promisify(execFile)("sh", ["-c", command]);
  await page.locator("li.message .code").waitFor();
  assert.equal(await page.locator("#blank").isVisible(), false);
  await assertClean(page);
});

test("what is sent at once arrives whole and in order", async () => {
  const page = await openInbox(stage);
  const numbers = Array.from({ length: 8 }, (_, index) => `+3466666622${index}`);
  await Promise.all(numbers.map((number) => stage.api.start(number)));
  for (const number of numbers) await cardTo(page, number).waitFor();
  const shown = await page.locator("li.message").evaluateAll((cards) => cards.map((card) => Number(card.dataset.seq)));
  const kept = (await stage.api.messages()).map(({ seq }) => seq);
  assert.deepEqual(shown, kept.reverse());
  await assertClean(page);
});

test("hostile texts, names and links stay text", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666301", { payment: { payee: '<img src=x onerror="window.hostile=1">', amount: "1.00", currency: "EUR" } });
  await cardTo(page, "+34666666301").waitFor();
  assert.equal(await page.locator("li.message img").count(), 0);
  assert.equal(await page.evaluate(() => window.hostile), undefined);
  await assertClean(page);
});

test("no field of a message is markup, and the frame of its HTML runs nothing", async () => {
  const bad = '"><img src="data:," onerror="window.hostile=1"><script>window.hostile=1</script>';
  const message = {
    seq: 1, tenant: bad, channel: "email", to: `a@b.example${bad}`, from: bad, subject: bad, text: `${bad}\n${"x".repeat(3000)}`,
    html: `<script>parent.hostile=1;top.hostile=1</script>${bad}`, code: `<b>${bad}`, link: "javascript:window.hostile=1", verification_id: bad, at: bad,
  };
  const page = await openInbox(stage);
  // The page meets such a server at its next full reading; its frame has no policy to protect it but the page's own.
  await page.route(/\/sandbox\/messages\?after=0$/, (route) => route.fulfill({ json: { messages: [message] } }));
  await page.route(/\/sandbox\/messages\?after=1(&|$)/, (route) => (route.request().url().includes("wait") ? undefined : route.fulfill({ json: { messages: [] } })));
  await page.route(/\/sandbox\/messages\/1\/html$/, (route) => route.fulfill({ contentType: "text/html", body: message.html }));
  await page.reload();
  const card = page.locator("li.message");
  await card.waitFor();
  assert.equal(await card.locator("img, script, a, b").count(), 0);
  assert.equal(await card.locator(".subject").textContent(), bad);
  await card.getByRole("button", { name: "Source", exact: true }).click();
  assert.equal(await card.locator(".source").textContent(), message.html);
  await card.getByRole("button", { name: "HTML", exact: true }).click();
  await card.frameLocator("iframe").locator("img").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => window.hostile), undefined);
  // That the browser says so is the point.
  page.faults = page.faults.filter((fault) => !fault.startsWith("console: Blocked script execution"));
  await assertClean(page);
});

test("a mail shows its text, its HTML in a frame, and its source", async (t) => {
  const page = await openInbox(stage);
  await stage.api.start("anna@example.com");
  const card = cardTo(page, "anna@example.com");
  await card.waitFor();
  if ((await card.locator(".face-buttons").count()) === 0) {
    t.diagnostic("this server's mails have no HTML part");
    return assertClean(page);
  }
  const seq = await card.getAttribute("data-seq");
  const part = await fetch(`${stage.base}/sandbox/messages/${seq}/html`);
  assert.equal(part.status, 200);
  assert.match(part.headers.get("content-security-policy"), /sandbox/);
  await card.getByRole("button", { name: "HTML", exact: true }).click();
  await card.frameLocator("iframe").getByText(await codeOf(card)).first().waitFor();
  await shoot(page, "mail-html");
  await card.getByRole("button", { name: "Source", exact: true }).click();
  await card.locator(".source").waitFor();
  return assertClean(page);
});

test("one tap copies the code, and says so", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666302");
  const card = cardTo(page, "+34666666302");
  const code = await codeOf(card);
  await card.locator(".code").click();
  await page.locator("#announcer", { hasText: `Copied code ${code}` }).waitFor({ state: "attached" });
  await card.locator(".code.copied", { hasText: "Copied" }).waitFor();
  assert.equal(await clipboard(page), code);
  await assertClean(page);
});

test("the code is copied without the clipboard interface too", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666303");
  const card = cardTo(page, "+34666666303");
  const code = await codeOf(card);
  await page.evaluate(() => Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined, configurable: true }));
  await card.locator(".code").click();
  await card.locator(".code.copied").waitFor();
  await page.evaluate(() => delete Navigator.prototype.clipboard);
  const pasted = page.locator("#filters [name=address]");
  await pasted.focus();
  await page.keyboard.press("Control+V");
  assert.equal(await pasted.inputValue(), code);
  await assertClean(page);
});

test("all of it works from the keyboard, with the focus in sight", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666304");
  const card = cardTo(page, "+34666666304");
  const code = await codeOf(card);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the messages");
  await tabTo(page, "#filters [name=channel]");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#filters [name=channel]:checked").getAttribute("value"), "sms");
  await tabTo(page, "#filters [name=address]");
  await page.keyboard.type("666 666 304");
  await tabTo(page, "li.message .code");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement));
  assert.equal(outline.outlineStyle, "solid");
  await shoot(page, "keyboard");
  await page.keyboard.press("Enter");
  await card.locator(".code.copied").waitFor();
  assert.equal(await clipboard(page), code);
  await tabTo(page, "[data-advance='60']");
  await page.keyboard.press("Enter");
  await page.locator("#announcer", { hasText: "Clock moved +1 min" }).waitFor({ state: "attached" });
  await tabTo(page, "#examples summary");
  await page.keyboard.press("Enter");
  await page.locator("#examples details[open] pre").first().waitFor();
  await tabTo(page, "#outcome-form [name=to]");
  await page.keyboard.type("+34666666304");
  await page.keyboard.press("Enter");
  await page.locator("#outcome-note:not(:empty):not(.failed)").waitFor();
  await assertClean(page);
});

test("the filters show what is asked for, also of what arrives later", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666305");
  await cardTo(page, "+34666666305").waitFor();
  await page.locator("#filters [name=address]").fill("34 666 666 306");
  await page.locator("#no-match").waitFor();
  await stage.api.start("+34666666307");
  await stage.api.start("+34666666306");
  await cardTo(page, "+34666666306").waitFor();
  assert.equal(await page.locator("li.message:visible").count(), 1);
  await page.getByRole("radio", { name: "E-mail" }).check();
  await page.locator("#no-match").waitFor();
  await page.locator("#clear-filters").click();
  await cardTo(page, "+34666666307").waitFor();
  await assertClean(page);
});

test("a message that arrives does not move what is being read", async () => {
  const page = await openInbox(stage, { viewport: PHONE });
  for (const digit of [1, 2, 3, 4, 5]) await stage.api.start(`+3466666631${digit}`);
  const read = cardTo(page, "+34666666311");
  await read.waitFor();
  await read.evaluate((element) => element.scrollIntoView());
  const where = (await read.boundingBox()).y;
  await stage.api.start("+34666666316");
  await page.getByRole("button", { name: "1 new message" }).waitFor();
  assert.equal(Math.round((await read.boundingBox()).y), Math.round(where));
  await shoot(page, "newer-320");
  await page.getByRole("button", { name: "1 new message" }).click();
  await page.locator("#newer").waitFor({ state: "hidden" });
  await assertClean(page);
});

test("the clock moves forward on the page and on the server", async () => {
  const page = await openInbox(stage);
  await page.locator("#now[datetime]").waitFor();
  const moment = () => page.locator("#now").evaluate((element) => Date.parse(element.dateTime));
  const was = await moment();
  await page.getByRole("button", { name: "+5 min" }).click();
  await page.locator("#announcer", { hasText: "Clock moved +5 min" }).waitFor({ state: "attached" });
  assert.ok((await moment()) - was >= 300_000);
  const { now } = await stage.api.get("/sandbox/clock");
  assert.ok(Math.abs(Date.parse(now) - (await moment())) < 2000);
  await assertClean(page);
});

test("outcomes and lookups are set, and a refusal is said calmly", async () => {
  const page = await openInbox(stage);
  await page.locator("#outcome-form [name=to]").fill("+34 666 666 308");
  await page.getByRole("radio", { name: "Lose" }).check();
  await page.getByRole("button", { name: "Set outcome" }).click();
  await page.getByText("Messages to +34666666308 are accepted, and never heard of again.").waitFor();
  await page.locator("#lookup-form [name=to]").fill("+34666666308");
  await page.getByRole("radio", { name: "Invalid" }).check();
  await page.getByRole("button", { name: "Set answer" }).click();
  await page.getByText("The lookup of +34666666308 answers “invalid”.").waitFor();
  await shoot(page, "outcomes");
  await page.locator("#lookup-form [name=to]").fill("no number");
  await page.getByRole("button", { name: "Set answer" }).click();
  await page.locator("#lookup-note.failed").waitFor();
  // The browser itself notes the refused request on the console.
  page.faults = page.faults.filter((fault) => !fault.includes("the server responded with a status of 4"));
  await assertClean(page);
});

test("the inbox is emptied, and follows on", async () => {
  const page = await openInbox(stage);
  await stage.api.start("+34666666309");
  await cardTo(page, "+34666666309").waitFor();
  await page.getByRole("button", { name: "Empty inbox" }).click();
  await page.locator("#blank").waitFor();
  assert.deepEqual(await stage.api.messages(), []);
  await stage.api.start("+34666666310");
  await cardTo(page, "+34666666310").waitFor();
  assert.equal(await page.locator("li.message").count(), 1);
  await assertClean(page);
});
