// Every state of the page, wide and narrow, light and dark: no violation that axe knows of, no scrolling sideways; and a
// picture of each, to be looked at.

import { after, before, test } from "node:test";
import { assertAccessible, assertClean, assertNoSidewaysScroll, cardTo, DESKTOP, openInbox, PHONE, setStage, shoot } from "./stage.mjs";

let stage;
before(async () => {
  stage = await setStage();
  await stage.api.emptyInbox();
});
after(() => stage?.close());

async function inEveryDress(name, show) {
  for (const viewport of [DESKTOP, PHONE]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await openInbox(stage, { viewport, colorScheme, reducedMotion: "reduce" });
      await show(page, viewport === PHONE);
      await assertAccessible(page);
      await assertNoSidewaysScroll(page);
      await shoot(page, `${name}-${viewport.width}-${colorScheme}`);
      await assertClean(page);
    }
  }
}

const section = async (page, narrow, name) => narrow && page.getByRole("navigation").getByRole("link", { name }).click();

test("empty", () => inEveryDress("empty", (page) => page.locator("#first-command pre").waitFor()));

test("with messages", async () => {
  await stage.api.start("anna@example.com");
  await stage.api.start("+34666666402", { payment: { payee: "Good Pizza SL", amount: "12.50", currency: "EUR" } });
  await stage.api.start("+34666666401");
  await inEveryDress("inbox", (page) => cardTo(page, "anna@example.com").waitFor());
});

test("with nothing that matches", () =>
  inEveryDress("no-match", async (page) => {
    await page.locator("#filters [name=address]").fill("nobody");
    await page.locator("#no-match").waitFor();
  }));

test("commands and credentials open", () =>
  inEveryDress("try", async (page, narrow) => {
    await section(page, narrow, "Try it");
    for (const fold of await page.locator("#try summary").all()) await fold.click();
    await page.locator("#credentials code").first().scrollIntoViewIfNeeded();
  }));

test("clock", () =>
  inEveryDress("clock", async (page, narrow) => {
    await section(page, narrow, "Clock");
    await page.locator("#now[datetime]").waitFor();
  }));

test("outcomes, with an answer", () =>
  inEveryDress("outcomes", async (page, narrow) => {
    await section(page, narrow, "Outcomes");
    await page.locator("#outcome-form [name=to]").fill("+34666666403");
    await page.getByRole("button", { name: "Set outcome" }).click();
    await page.locator("#outcome-note:not(:empty)").waitFor();
  }));
