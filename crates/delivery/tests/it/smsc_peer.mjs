// An SMSC for the tests: a foreign SMPP 3.4 server that takes every message, prints what it saw, one JSON object a line, and
// sends back the receipt that its orders say. It ends with its standard input, so that no test leaves one behind.
import { createRequire } from "node:module";

const require = createRequire(new URL("./peer/package.json", import.meta.url));
const smpp = require("smpp");

// {user, password, state: "DELIVRD" | "UNDELIV" (what its receipts say), refuse: true (every message)}
const orders = JSON.parse(process.argv[2]);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const MESSAGE_STATE = { DELIVRD: 2, UNDELIV: 5 };
const CLASS_RECEIPT = 4;
let taken = 0;

function receipt(session, pdu, id) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601011200 done date:2601011200 stat:${orders.state} err:000 text:`;
  session.deliver_sm({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: CLASS_RECEIPT,
    short_message: Buffer.from(text, "latin1"),
    receipted_message_id: id,
    message_state: MESSAGE_STATE[orders.state],
  });
}

const server = smpp.createServer({}, (session) => {
  session.on("bind_transceiver", (pdu) => {
    const right = pdu.system_id === orders.user && pdu.password === orders.password;
    print({ event: "bound", right });
    session.send(pdu.response({ command_status: right ? 0 : smpp.ESME_RBINDFAIL }));
  });
  session.on("submit_sm", (pdu) => {
    print({
      event: "submitted",
      to: pdu.destination_addr,
      from: pdu.source_addr,
      coding: pdu.data_coding,
      text: pdu.short_message.message ?? pdu.short_message,
      wantsReceipt: pdu.registered_delivery,
    });
    if (orders.refuse) return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    const id = `smsc-${++taken}`;
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery) receipt(session, pdu, id);
  });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => session.send(pdu.response()));
  session.on("error", () => session.close());
});

server.listen(0, "127.0.0.1", () => print({ event: "listening", port: server.address().port }));
process.stdin.on("end", () => process.exit(0)).resume();
