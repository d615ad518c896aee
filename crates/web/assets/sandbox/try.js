// "Try it": the commands to paste and the credentials, as the server tells them. Nothing is known here about any dialect
// but what the two answers say, so a new dialect needs no change.

import { ask, byId, commandBlock, copyButton, el, note } from "./dom.js";
import { offerFirstCommand } from "./inbox.js";

const WORDS = { api: "API", id: "ID", sms: "SMS", smtp: "SMTP", url: "URL", ca: "CA", mfa: "MFA" };

function humanised(key) {
  const words = key.split("_").map((word) => WORDS[word] ?? word).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function row(key, value) {
  const label = humanised(key);
  return el(
    "div",
    { class: "secret" },
    el("dt", {}, label),
    el("dd", {}, el("code", { title: value }, value)),
    el("dd", {}, copyButton({ text: value, what: label })),
  );
}

/** Rows for whatever the server gives: nested lists and objects are flattened, with their number. */
function rows(values, prefix = "") {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === null) return [];
    if (Array.isArray(value)) return value.flatMap((each, index) => rows({ [`${key.replace(/s$/, "")}_${index + 1}`]: each }, prefix));
    if (typeof value === "object") return rows(value, `${prefix}${key}_`);
    return [row(prefix + key, String(value))];
  });
}

function fold(title, ...children) {
  return el("details", { class: "fold" }, el("summary", {}, title), el("div", { class: "fold-body" }, ...children));
}

function tenantFold({ name, ...dialects }, titles) {
  const groups = Object.entries(dialects).filter(([, values]) => values !== null && typeof values === "object");
  return fold(
    `Tenant ${name}`,
    ...groups.flatMap(([dialect, values]) => [el("h4", {}, titles.get(dialect) ?? humanised(dialect)), el("dl", { class: "secrets" }, ...rows(values))]),
  );
}

/** Reads both anew: the server may have come back as another one. What is open stays open. */
export async function loadTryIt() {
  try {
    const [{ examples }, credentials] = await Promise.all([ask("/sandbox/examples"), ask("/sandbox/credentials")]);
    const same = JSON.stringify([examples, credentials]);
    const home = byId("examples");
    if (home.dataset.same === same) return;
    home.dataset.same = same;
    const titles = new Map(examples.map(({ dialect, title }) => [dialect, title]));
    home.replaceChildren(...examples.map(({ title, commands }) => fold(title, ...commands.map(commandBlock))));
    const authority = credentials.ca_file ? [fold("TLS", el("dl", { class: "secrets" }, row("ca_file", credentials.ca_file)))] : [];
    byId("credentials").replaceChildren(...credentials.tenants.map((tenant) => tenantFold(tenant, titles)), ...authority);
    const first = examples[0]?.commands[0];
    offerFirstCommand(first && commandBlock(first));
    note(byId("try-note"), "");
  } catch (error) {
    note(byId("try-note"), error.message, true);
  }
}
