// Mails in every language, and how those are laid out that run from the right to the left.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertAccessible, assertClean, assertNoSidewaysScroll, PHONE, setStage, shoot, WCAG } from "./stage.mjs";

const FROM_THE_RIGHT = ["ar", "fa", "he", "ur"];
const payment = { payee: "Books & Co.", amount: "12.50", currency: "EUR" };

const SERVICE = `letters-${Date.now()}`;
let stage, languages;
before(async () => {
  stage = await setStage();
  const templates = await stage.api.templates();
  languages = [...new Set(templates.filter((template) => template.built_in).map(({ locale }) => locale))];
  await stage.api.post("/v1/services", { name: SERVICE, profile: "compat", brand: "Acme & Co." }, 201);
});
after(() => stage?.close());

/** Sends a mail and opens its HTML part as a page of its own: in the inbox's frame no script runs, not even a test's. */
async function openMail(locale, more = {}, options = {}) {
  const { id } = await stage.api.start("anna@example.com", { service: SERVICE, locale, ...more });
  const { html } = await stage.api.messageOf(id);
  const page = await (await stage.browser.newContext(options)).newPage();
  page.faults = [];
  page.on("request", (request) => page.faults.push(`request: ${request.url()}`));
  await page.setContent(html);
  return page;
}

const layout = (page) =>
  page.evaluate(() => {
    const words = (element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      return range.getBoundingClientRect();
    };
    const card = document.querySelector(".card td").getBoundingClientRect();
    const heading = words(document.querySelector("h1"));
    return { left: heading.left - card.left, right: card.right - heading.right, direction: getComputedStyle(document.querySelector("p")).direction };
  });

test("there are at least 30 languages, and each mail begins where its language does", async (t) => {
  assert.ok(languages.length >= 30, `${languages.length} languages`);
  t.diagnostic(`${languages.length} languages`);
  for (const locale of languages) {
    const page = await openMail(locale);
    const { left, right, direction } = await layout(page);
    const isFromTheRight = FROM_THE_RIGHT.includes(locale);
    assert.equal(direction, isFromTheRight ? "rtl" : "ltr", locale);
    const [start, end] = isFromTheRight ? [right, left] : [left, right];
    assert.ok(start < 40 && end > start, `${locale}: the heading has ${left} px at its left and ${right} px at its right`);
    assert.equal(await page.locator("html").getAttribute("lang"), locale);
    await assertClean(page);
  }
});

for (const locale of FROM_THE_RIGHT) {
  test(`a payment in ${locale}: foreign names and the code keep their own direction, on a phone too`, async () => {
    for (const [name, viewport] of [["desktop", { width: 600, height: 700 }], ["320", PHONE]]) {
      const page = await openMail(locale, { payment, code: "7AB4" }, { viewport });
      // In a text from the right a point at the end of a foreign name would jump to its left.
      for (const name of [page.locator("bdi").first(), page.locator("b").nth(1)]) {
        const [first, last] = await name.evaluate((element) => {
          const at = (offset) => {
            const range = document.createRange();
            range.setStart(element.firstChild, offset);
            range.setEnd(element.firstChild, offset + 1);
            return range.getBoundingClientRect().left;
          };
          return [at(0), at(element.firstChild.length - 1)];
        });
        assert.ok(first < last, `the name begins at ${first} and its point is at ${last}`);
      }
      assert.equal(await page.locator("code").evaluate((element) => getComputedStyle(element).direction), "ltr");
      await assertNoSidewaysScroll(page);
      // A mail is no page: it has no landmarks.
      await assertAccessible(page, WCAG);
      await shoot(page, `mail-${locale}-${name}`);
      await assertClean(page);
    }
  });
}
