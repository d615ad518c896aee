// The API viewer: it shows this server's own description, and asks nobody else.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertClean, assertNoSidewaysScroll, DESKTOP, openPage, PHONE, setStage, shoot } from "./stage.mjs";

let stage;
before(async () => (stage = await setStage()));
after(() => stage?.close());

for (const [viewport, colorScheme] of [[DESKTOP, "light"], [DESKTOP, "dark"], [PHONE, "light"]]) {
  test(`the API's description is shown (${viewport.width} px, ${colorScheme})`, async () => {
    const { info, paths } = await stage.api.get("/openapi.json");
    const page = await openPage(stage, "/docs", { viewport, colorScheme });
    const title = page.locator(".info .title");
    await title.waitFor();
    assert.ok((await title.textContent()).startsWith(info.title));
    const operations = Object.values(paths).flatMap((path) => Object.keys(path).filter((key) => ["get", "put", "post", "patch", "delete"].includes(key)));
    assert.equal(await page.locator(".opblock").count(), operations.length);
    await page.locator(".opblock-summary-control").first().click();
    await page.locator(".execute").first().waitFor();
    await assertNoSidewaysScroll(page);
    await shoot(page, `docs-${viewport.width}-${colorScheme}`);
    await assertClean(page);
  });
}
