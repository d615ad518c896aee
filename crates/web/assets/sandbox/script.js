// The sandbox page: wires its parts together. The inbox follows the server by itself; all else is read at the start, and
// again when the server comes back, since it may have come back with other keys, another clock, or on another folder.

import { readClock, wireClock } from "./clock.js";
import { byId } from "./dom.js";
import { Feed } from "./feed.js";
import { arrived, KEEP, snapshot, wireInbox } from "./inbox.js";
import { wireOutcomes } from "./outcomes.js";
import { loadTryIt } from "./try.js";

const STATES = { connecting: "Connecting", live: "Live", away: "Reconnecting" };

function showState(state, reason = "") {
  const element = byId("state");
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.title = reason;
  byId("state-text").textContent = STATES[state];
}

/** On a narrow window one section is shown at a time; the address says which. */
function showSection() {
  const named = location.hash.slice(1);
  const sections = [...document.querySelectorAll(".view")];
  const current = sections.find(({ id }) => id === named) ?? byId("inbox");
  for (const section of sections) section.toggleAttribute("data-current", section === current);
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.hash === `#${current.id}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

addEventListener("hashchange", showSection);
showSection();

const feed = new Feed(
  {
    snapshot: (messages) => {
      snapshot(messages);
      loadTryIt();
      readClock();
    },
    arrived: (messages) => {
      if (messages.length > 0) arrived(messages);
      readClock();
    },
    state: showState,
  },
  KEEP,
);
wireInbox(() => feed.restart());
wireClock();
wireOutcomes();
feed.run();
