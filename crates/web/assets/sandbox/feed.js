// The messages as they arrive: one long poll after the other. It never skips a message (each poll continues after the last
// place it has read), and after any failure it reads everything anew, because the server that comes back may be another one.

import { ask } from "./dom.js";

const WAIT_SECONDS = 25;
const PATIENCE_MS = (WAIT_SECONDS + 10) * 1000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

const pathAfter = (place, wait) => `/sandbox/messages?after=${place}${wait ? `&wait=${wait}` : ""}`;
const lastPlace = (messages, place) => messages.reduce((last, { seq }) => Math.max(last, seq), place);

/**
 * Follows the inbox. `listener.snapshot(messages)` gets all of them, at the start and after each failure; `listener.arrived(messages)`
 * the later ones (none when a poll ended without any); `listener.state("live" | "away", reason)` how it goes. All messages are oldest first.
 */
export class Feed {
  #listener;
  #keep;
  #place = null;
  #poll = null;
  #wake = null;
  #failures = 0;

  /** `keep` is the number of newest messages that a snapshot holds. */
  constructor(listener, keep) {
    this.#listener = listener;
    this.#keep = keep;
    for (const type of ["online", "pageshow"]) addEventListener(type, () => this.#wake?.());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake?.());
  }

  /** Reads everything anew, at once. */
  restart() {
    this.#place = null;
    this.#poll?.abort();
    this.#wake?.();
  }

  /** Never ends. */
  async run() {
    for (;;) {
      const poll = new AbortController();
      this.#poll = poll;
      const patience = setTimeout(() => poll.abort(), PATIENCE_MS);
      try {
        await (this.#place === null ? this.#readAll(poll.signal) : this.#readNext(poll.signal));
        this.#failures = 0;
      } catch (error) {
        // An abort by restart() is no failure.
        const meant = poll.signal.aborted && this.#place === null;
        this.#place = null;
        if (!meant) await this.#retreat(error);
      } finally {
        clearTimeout(patience);
      }
    }
  }

  async #readAll(signal) {
    let all = [];
    let place = 0;
    for (;;) {
      const { messages } = await ask(pathAfter(place), { signal });
      if (messages.length === 0) break;
      place = lastPlace(messages, place);
      all = all.concat(messages).slice(-this.#keep);
    }
    signal.throwIfAborted();
    this.#place = place;
    this.#listener.snapshot(all);
    this.#listener.state("live");
  }

  async #readNext(signal) {
    const asked = performance.now();
    const { messages } = await ask(pathAfter(this.#place, WAIT_SECONDS), { signal });
    signal.throwIfAborted();
    this.#place = lastPlace(messages, this.#place);
    this.#listener.arrived(messages);
    // A server that does not hold the answer back must not be asked in a tight loop.
    if (messages.length === 0 && performance.now() - asked < FIRST_PAUSE_MS) await this.#pause(1000);
  }

  async #retreat(error) {
    this.#listener.state("away", error.message);
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    await this.#pause(longest * (0.5 + Math.random() / 2));
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }
}
