// One message as a card. Its text, names and links come from outside: they are only ever text nodes, and a link is only
// a link when it is http or https. The HTML part is shown by the server's own page for it, in a frame that may do nothing.

import { copyButton, el, icon } from "./dom.js";

const CHANNELS = { sms: "SMS", voice: "Voice call", email: "E-mail", whatsapp: "WhatsApp", telegram: "Telegram" };
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The channel's name for people. */
export const channelName = (channel) => CHANNELS[channel] ?? channel;

function arrival(at) {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return el("span", { class: "at" });
  const other = day.format(moment) === day.format(new Date()) ? "" : `${day.format(moment)}, `;
  return el("time", { class: "at", datetime: at, title: at }, other + time.format(moment));
}

function webAddress(link) {
  try {
    const { protocol } = new URL(link);
    return protocol === "http:" || protocol === "https:";
  } catch {
    return false;
  }
}

function linkRow(link) {
  const shown = webAddress(link)
    ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer", referrerpolicy: "no-referrer" }, link)
    : el("span", {}, link);
  return el("div", { class: "link-row" }, shown, copyButton({ text: link, what: "link" }));
}

/** The faces of a mail: its text, its HTML drawn, and its HTML as source; each made when it is first asked for. */
function faces(message) {
  const make = {
    Text: () => el("p", { class: "text", dir: "auto" }, message.text ?? ""),
    HTML: () =>
      el("iframe", { class: "page", sandbox: "", loading: "lazy", referrerpolicy: "no-referrer", title: "HTML part of this message", src: `/sandbox/messages/${message.seq}/html` }),
    Source: () => el("pre", { class: "source" }, el("code", {}, message.html)),
  };
  const body = el("div", { class: "faces" }, make.Text());
  const buttons = Object.keys(make).map((name) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(name === "Text"),
        onclick: (event) => {
          for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          body.replaceChildren(make[name]());
        },
      },
      name,
    ),
  );
  return [el("div", { class: "face-buttons", role: "group", "aria-label": "Show this mail as" }, ...buttons), body];
}

/** The card of one message, as a list item. */
export function card(message) {
  const from = [channelName(message.channel), message.from ? " from " : null, message.from ? el("bdi", {}, message.from) : null];
  const tenant = message.tenant ? [" · ", el("bdi", {}, message.tenant)] : [];
  return el(
    "li",
    { class: "message", "data-seq": message.seq, "data-channel": message.channel },
    el("span", { class: "channel" }, icon(message.channel in CHANNELS ? message.channel : "other")),
    el("h3", { class: "to" }, el("bdi", {}, message.to)),
    el("p", { class: "from" }, ...from, ...tenant),
    arrival(message.at),
    el(
      "div",
      { class: "body" },
      message.subject ? el("p", { class: "subject", dir: "auto" }, message.subject) : null,
      ...(message.html ? faces(message) : [el("p", { class: "text", dir: "auto" }, message.text ?? "")]),
      message.link ? linkRow(message.link) : null,
    ),
    message.code ? copyButton({ text: message.code, what: `code ${message.code}`, shown: message.code, className: "code" }) : null,
  );
}
