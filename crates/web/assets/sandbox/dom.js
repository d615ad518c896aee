// Small tools of the page: making elements, asking the server, copying, saying things to screen readers.
// Everything that comes from a message goes in as a text node; nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (`on…` are listeners, `false` and `null` are left out) and children (strings become text). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** One of the icons that index.html carries. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Says something to screen readers without moving the focus. */
export function announce(text) {
  const announcer = byId("announcer");
  // The same words twice in a row are only read again when the node changes.
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
}

/** Writes a calm line under a control; an empty text takes it away. */
export function note(element, text, failed = false) {
  element.textContent = text;
  element.classList.toggle("failed", failed);
}

/** The server's answer as JSON, or an Error whose message can be shown as it is. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  const headers = body === undefined ? { accept: "application/json" } : { accept: "application/json", "content-type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch (cause) {
    throw new Error("The server does not answer. Is it still running?", { cause });
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  const reason = [problem.detail, problem.title, problem.error].find((text) => typeof text === "string" && text !== "");
  throw new Error(reason ?? `The server answered with status ${answer.status}.`);
}

async function toClipboard(text) {
  if (navigator.clipboard?.writeText) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed here (no focus, a policy): the old way may still work.
    }
  }
  const carrier = el("textarea", { class: "hidden-text", readonly: true, "aria-hidden": "true", tabindex: "-1" });
  carrier.value = text;
  const focused = document.activeElement;
  document.body.append(carrier);
  carrier.select();
  const copied = document.execCommand("copy");
  carrier.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}

/** How long "Copied" stands on a button, in milliseconds. */
const COPIED_FOR = 2000;

/**
 * A button that copies `text`. `what` completes "Copy …" for screen readers; `shown` stands large before the word.
 */
export function copyButton({ text, what, shown = null, className = "copy" }) {
  const word = el("span", { class: "copy-word" }, "Copy");
  const mark = icon("copy");
  const button = el(
    "button",
    { type: "button", class: className },
    shown === null ? null : el("span", { class: "shown" }, shown),
    el("span", { class: "copy-act" }, mark, word, el("span", { class: "hidden-text" }, ` ${what}`)),
  );
  let back;
  button.addEventListener("click", async () => {
    const copied = await toClipboard(text);
    clearTimeout(back);
    button.classList.toggle("copied", copied);
    mark.firstChild.setAttribute("href", copied ? "#icon-done" : "#icon-copy");
    word.textContent = copied ? "Copied" : "Select";
    announce(copied ? `Copied ${what}` : `Could not copy ${what}: select the text by hand`);
    back = setTimeout(() => {
      button.classList.remove("copied");
      mark.firstChild.setAttribute("href", "#icon-copy");
      word.textContent = "Copy";
    }, COPIED_FOR);
  });
  return button;
}

/** A command in pieces that stay together where there is room: each option with its value. As text it is unchanged. */
function pieces(command) {
  if (command.includes("\n")) return [command];
  return command.split(/(?<!^curl )(?<= )(?=-{1,2}[A-Za-z])/).map((piece) => el("span", { class: "piece" }, piece));
}

/** A command with its label and a copy button. */
export function commandBlock({ label, command }) {
  return el(
    "figure",
    { class: "command" },
    el("figcaption", {}, el("span", {}, label), copyButton({ text: command, what: `command: ${label}` })),
    el("pre", {}, el("code", {}, ...pieces(command))),
  );
}
