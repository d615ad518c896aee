// An SMSC for the tests: a foreign SMPP 3.4 server that takes messages, prints what it saw, one JSON object a line, and sends
// back the receipts that its orders say, again and again until they are acknowledged. It ends with its standard input, so
// that no test leaves one behind.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("./peer/package.json", import.meta.url));
const smpp = require("smpp");

// {user, password, state: "DELIVRD" | "UNDELIV" (what its receipts say), refuse: true (every message),
//  ids: "hexadecimal" (so in answers, in decimal in receipts), perSecond: 500 (more are throttled, or find the queue full),
//  receipts: "before" (the answer) | "after" | "twice" | "shuffled" | "rebound" (at the next bind), tls: {key, cert} (files)}
const orders = { receipts: "after", ...JSON.parse(process.argv[2]) };
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const MESSAGE_STATE = { DELIVRD: 2, UNDELIV: 5 };
const CLASS_RECEIPT = 4;
const RECEIVING = new Set();
const owed = [];
const forTheNextBind = [];
let taken = 0;
let second = [0, 0];

const names = (number) =>
  orders.ids === "hexadecimal"
    ? { answer: number.toString(16).toUpperCase().padStart(8, "0"), receipt: String(number).padStart(10, "0") }
    : { answer: `smsc-${number}`, receipt: `smsc-${number}` };

function deliver(session, owing) {
  const { pdu, name } = owing;
  const text = `id:${name} sub:001 dlvrd:001 submit date:2601011200 done date:2601011200 stat:${orders.state} err:000 text:`;
  const fields = {
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: CLASS_RECEIPT,
    short_message: Buffer.from(text, "latin1"),
    message_state: MESSAGE_STATE[orders.state],
  };
  if (orders.ids !== "hexadecimal") fields.receipted_message_id = name;
  owing.on = session;
  session.deliver_sm(fields, (answer) => {
    owing.on = null;
    print({ event: "acknowledged", to: pdu.destination_addr, status: answer.command_status });
    if (answer.command_status !== 0) owed.push(owing);
  });
}

function flush() {
  if (orders.receipts === "shuffled" && owed.length > 1) owed.sort(() => Math.random() - 0.5);
  const sessions = [...RECEIVING];
  while (owed.length && sessions.length) deliver(sessions[owed.length % sessions.length], owed.shift());
}

const busy = () => {
  const now = Math.floor(Date.now() / 1000);
  second = second[0] === now ? [now, second[1] + 1] : [now, 1];
  return orders.perSecond && second[1] > orders.perSecond;
};

function bind(session, receives) {
  return (pdu) => {
    const right = pdu.system_id === orders.user && pdu.password === orders.password;
    print({ event: "bound", right, version: pdu.interface_version });
    session.send(pdu.response({ command_status: right ? 0 : smpp.ESME_RBINDFAIL }));
    if (right && receives) {
      RECEIVING.add(session);
      owed.push(...forTheNextBind.splice(0));
      flush();
    }
  };
}

const inFlight = new Set();

function serve(session) {
  session.on("bind_transceiver", bind(session, true));
  session.on("bind_receiver", bind(session, true));
  session.on("bind_transmitter", bind(session, false));
  session.on("submit_sm", (pdu) => {
    if (busy()) {
      const status = second[1] % 2 ? smpp.ESME_RTHROTTLED : smpp.ESME_RMSGQFUL;
      return session.send(pdu.response({ command_status: status }));
    }
    const { answer, receipt } = names(++taken);
    print({
      event: "submitted",
      to: pdu.destination_addr,
      from: pdu.source_addr,
      coding: pdu.data_coding,
      text: pdu.short_message.message ?? pdu.short_message,
      header: (pdu.short_message.udh ?? []).map((part) => part.toString("hex")).join(""),
      payload: pdu.message_payload?.message,
      sar: pdu.sar_msg_ref_num === undefined ? undefined : [pdu.sar_total_segments, pdu.sar_segment_seqnum],
      esmClass: pdu.esm_class,
      ton: [pdu.source_addr_ton, pdu.dest_addr_ton],
      wantsReceipt: pdu.registered_delivery,
    });
    if (orders.refuse) return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    const reply = () => session.send(pdu.response({ message_id: answer }));
    const owing = [];
    if (pdu.registered_delivery) {
      for (let times = orders.receipts === "twice" ? 2 : 1; times > 0; times--) owing.push({ pdu, name: receipt });
      owing.forEach((one) => inFlight.add(one));
    }
    (orders.receipts === "rebound" ? forTheNextBind : owed).push(...owing);
    if (orders.receipts === "before") {
      flush();
      setTimeout(reply, 50);
    } else {
      reply();
      orders.receipts === "shuffled" ? setTimeout(flush, 20) : flush();
    }
  });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    print({ event: "unbound" });
    RECEIVING.delete(session);
    session.send(pdu.response());
    session.close();
  });
  session.on("error", () => session.destroy?.());
  session.on("close", () => {
    RECEIVING.delete(session);
    // What this session had not acknowledged is owed again.
    for (const one of inFlight) {
      if (one.on === session) {
        one.on = null;
        owed.push(one);
      }
    }
    flush();
  });
}

const tls = orders.tls && { key: readFileSync(orders.tls.key), cert: readFileSync(orders.tls.cert) };
const server = smpp.createServer(tls ? { tls: true, ...tls } : {}, serve);
setInterval(flush, 100);
server.listen(0, "127.0.0.1", () => print({ event: "listening", port: server.address().port }));
process.stdin.on("end", () => process.exit(0)).resume();
