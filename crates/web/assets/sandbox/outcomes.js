// What the sandbox does with the next messages to an address, and what a number lookup answers.

import { ask, byId, note } from "./dom.js";

const SENTENCES = {
  deliver: "are delivered",
  reject: "are refused by the provider",
  lose: "are accepted, and never heard of again",
  undelivered: "are accepted, then reported as undelivered",
};

/** Sends the form's answer with `put(fields)`, which returns the sentence to show. */
function wire(form, line, put) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      note(line, await put(Object.fromEntries(new FormData(form))));
    } catch (error) {
      note(line, error.message, true);
    }
  });
}

const address = (to) => to.replace(/\s+/g, "");

/** Wires both forms. */
export function wireOutcomes() {
  wire(byId("outcome-form"), byId("outcome-note"), async ({ to, outcome, delay_ms }) => {
    await ask(`/sandbox/outcomes/${encodeURIComponent(address(to))}`, { method: "PUT", body: { outcome, delay_ms: Number(delay_ms) } });
    return `Messages to ${address(to)} ${SENTENCES[outcome]}${Number(delay_ms) > 0 ? `, after ${delay_ms} ms` : ""}.`;
  });
  wire(byId("lookup-form"), byId("lookup-note"), async ({ to, lookup }) => {
    await ask(`/sandbox/numbers/${encodeURIComponent(address(to))}`, { method: "PUT", body: { lookup } });
    return `The lookup of ${address(to)} answers “${lookup}”.`;
  });
}
