// The inbox: the cards, newest first, and what the person wants to see of them. A message that arrives while somebody reads
// further down, or works in the list by keyboard, does not move what they look at: a button says that there is something newer.

import { announce, ask, byId, el, note } from "./dom.js";
import { card, channelName } from "./message.js";

/** Cards on the page at most; the server keeps all. */
export const KEEP = 300;

const list = byId("messages");
const filters = byId("filters");
const newer = byId("newer");
const pageTitle = document.title;
const letters = (address) => address.toLowerCase().replace(/[^\p{L}\p{N}@]/gu, "");

/** Newest first: `{ message, same, element }`; `same` tells one message from another with its number. */
let entries = [];
let unseen = 0;

const entry = (message) => ({ message, same: JSON.stringify(message), element: card(message) });
const visible = () => !document.hidden && list.checkVisibility();

function wanted({ message }) {
  const { channel, address } = Object.fromEntries(new FormData(filters));
  return (channel === "" || message.channel === channel) && letters(message.to).includes(letters(address));
}

function refresh() {
  let shown = 0;
  for (const each of entries) {
    each.element.hidden = !wanted(each);
    if (!each.element.hidden) shown += 1;
  }
  for (const counter of filters.querySelectorAll(".count")) {
    const channel = counter.dataset.count;
    counter.textContent = String(channel === "" ? entries.length : entries.filter(({ message }) => message.channel === channel).length);
  }
  byId("blank").hidden = entries.length > 0;
  byId("no-match").hidden = entries.length === 0 || shown > 0;
  byId("empty-inbox").disabled = entries.length === 0;
  note(byId("inbox-note"), entries.length >= KEEP ? `The newest ${KEEP} messages are shown; the server keeps all of them.` : "");
}

function showUnseen(count) {
  unseen = count;
  newer.hidden = count === 0;
  newer.textContent = count === 1 ? "1 new message" : `${count} new messages`;
  byId("unseen").hidden = count === 0;
  byId("unseen").textContent = String(count);
  document.title = count === 0 ? pageTitle : `(${count}) ${pageTitle}`;
}

/** Whether the person's eyes are elsewhere in the list, so that it must not move under them. */
function isBusyBelow() {
  const focused = document.activeElement;
  const readsBelow = list.getBoundingClientRect().top < 0;
  return readsBelow || (list.contains(focused) && focused.matches(":focus-visible"));
}

/** Runs `change` and keeps the card at the top of the window (or with the focus) where it was. */
function held(change) {
  const focused = document.activeElement?.closest("#messages > li");
  const anchor = focused ?? entries.map(({ element }) => element).find((element) => element.getBoundingClientRect().bottom > 0 && !element.hidden);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
}

function say(fresh) {
  if (fresh.length > 1) return announce(`${fresh.length} new messages`);
  const [{ message }] = fresh;
  return announce(`New ${channelName(message.channel)} to ${message.to}${message.code ? `, code ${message.code}` : ""}`);
}

/** The messages that came since (oldest first). */
export function arrived(messages) {
  const fresh = messages.map(entry).reverse();
  const apart = !visible();
  const add = () => {
    entries = fresh.concat(entries);
    list.prepend(...fresh.map(({ element }) => element));
    for (const old of entries.splice(KEEP)) old.element.remove();
    refresh();
  };
  for (const { element } of fresh) element.classList.add("fresh");
  const hold = !apart && isBusyBelow();
  if (hold) held(add);
  else add();
  const seen = fresh.filter(({ element }) => !element.hidden).length;
  if ((hold || apart) && seen > 0) showUnseen(unseen + seen);
  say(fresh);
}

/** All messages there are (oldest first): what is on the page and still true stays untouched. */
export function snapshot(messages) {
  const known = new Map(entries.map((each) => [each.same, each]));
  const next = messages.map((message) => known.get(JSON.stringify(message)) ?? entry(message)).reverse();
  const kept = new Set(next);
  for (const each of entries) if (!kept.has(each)) each.element.remove();
  const first = entries.length === 0;
  let before = list.firstElementChild;
  for (const each of next) {
    if (each.element === before) before = before.nextElementSibling;
    else {
      if (!first) each.element.classList.add("fresh");
      list.insertBefore(each.element, before);
    }
  }
  entries = next;
  refresh();
}

function toNewest() {
  showUnseen(0);
  byId("inbox").scrollIntoView({ block: "start" });
}

/** Wires the controls. `restart` makes the feed read everything anew. */
export function wireInbox(restart) {
  filters.addEventListener("input", refresh);
  filters.addEventListener("submit", (event) => event.preventDefault());
  byId("clear-filters").addEventListener("click", () => {
    filters.reset();
    refresh();
    filters.elements.address.focus();
  });
  newer.addEventListener("click", () => {
    toNewest();
    list.querySelector("li:not([hidden]) button")?.focus({ preventScroll: true });
  });
  const lookedAt = () => {
    if (unseen > 0 && visible() && list.getBoundingClientRect().top >= 0) showUnseen(0);
  };
  addEventListener("scroll", lookedAt, { passive: true });
  addEventListener("hashchange", lookedAt);
  document.addEventListener("visibilitychange", lookedAt);
  byId("empty-inbox").addEventListener("click", async () => {
    try {
      await ask("/sandbox/messages", { method: "DELETE" });
      snapshot([]);
      showUnseen(0);
      announce("Inbox emptied");
      byId("inbox").focus({ preventScroll: true });
      restart();
    } catch (error) {
      note(byId("inbox-note"), error.message, true);
    }
  });
}

/** Puts the first command to paste into the empty inbox. */
export function offerFirstCommand(block) {
  byId("first-command").replaceChildren(block ?? el("p", { class: "hint" }, "The commands are under “Try it”."));
}
