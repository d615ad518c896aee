#!/usr/bin/env node
// Takes the pictures that crates/web/assets/pictures/names.tsv lists out of the two icon sets, at the versions below. Run it after a
// change of that list; read the difference; look at the pictures. Needs npm.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SETS = { fluent: "@iconify-json/fluent-emoji-flat@1.2.6", noto: "@iconify-json/noto@1.2.9" };
const PLACE = new URL("../crates/web/assets/pictures/", import.meta.url).pathname;

const [, ...lines] = readFileSync(`${PLACE}names.tsv`, "utf8").trim().split("\n");
const wanted = lines.map((line) => line.split("\t"));
const folder = mkdtempSync(join(tmpdir(), "pictures-"));
for (const [set, version] of Object.entries(SETS)) {
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", version], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] }));
  execFileSync("tar", ["xzf", filename], { cwd: folder });
  const { icons } = JSON.parse(readFileSync(join(folder, "package/icons.json"), "utf8"));
  const bodies = Object.fromEntries(wanted.map(([category, icon]) => [category, icons[icon].body]));
  writeFileSync(`${PLACE}${set}.json`, `${JSON.stringify(bodies, null, 0).replaceAll('","', '",\n"')}\n`);
}
