// The product's clock: read now and then, ticking in between, moved forward by the buttons. It never goes back.

import { announce, ask, byId, note } from "./dom.js";

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const RESTING = byId("ahead").textContent;
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** How far the product's clock is from this page's steady one, in milliseconds; null before it was first read. */
let offset = null;

function distance(seconds) {
  const parts = [];
  let left = seconds;
  for (const [name, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

function draw() {
  if (offset === null) return;
  const now = new Date(performance.now() + offset);
  byId("now").textContent = time.format(now);
  byId("now").dateTime = now.toISOString();
  byId("today").textContent = date.format(now);
  const ahead = Math.round((now - Date.now()) / 1000);
  const text = ahead > 2 ? `${distance(ahead)} ahead of this machine.` : RESTING;
  if (byId("ahead").textContent !== text) byId("ahead").textContent = text;
}

function take({ now }) {
  offset = Date.parse(now) - performance.now();
  draw();
}

/** Reads the clock anew. */
export async function readClock() {
  try {
    take(await ask("/sandbox/clock"));
    note(byId("clock-note"), "");
  } catch (error) {
    note(byId("clock-note"), error.message, true);
  }
}

async function advance(button) {
  try {
    take(await ask("/sandbox/clock", { method: "POST", body: { advance_seconds: Number(button.dataset.advance) } }));
    note(byId("clock-note"), "");
    announce(`Clock moved ${button.textContent}`);
  } catch (error) {
    note(byId("clock-note"), error.message, true);
  }
}

/** Wires the buttons and starts ticking. */
export function wireClock() {
  byId("clock").addEventListener("click", ({ target }) => {
    if (target instanceof HTMLButtonElement && target.dataset.advance) advance(target);
  });
  document.addEventListener("visibilitychange", () => document.hidden || readClock());
  setInterval(draw, 250);
}
