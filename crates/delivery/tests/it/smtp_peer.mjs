// A mail relay for the tests: a foreign SMTP server that does what its orders say, and prints what it saw, one JSON object a
// line. It ends with its standard input, so that no test leaves one behind.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("./peer/package.json", import.meta.url));
const { SMTPServer } = require("smtp-server");
const PostalMime = require("postal-mime").default;

// {tls: "implicit" | "starttls" | "none", key, cert, user, password, say: {from, to, data: [code, text]},
//  port: 0 or a port, then: "mute" | "hang-up" (instead of the last answer) | "close" (after it)}
const orders = JSON.parse(process.argv[2]);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function answer(step, callback) {
  const said = orders.say?.[step];
  if (!said) return callback();
  const [responseCode, text] = said;
  callback(Object.assign(new Error(text), { responseCode }));
}

const server = new SMTPServer({
  secure: orders.tls === "implicit",
  ...(orders.key ? { key: readFileSync(orders.key), cert: readFileSync(orders.cert) } : {}),
  disabledCommands: [...(orders.tls === "starttls" ? [] : ["STARTTLS"]), ...(orders.user ? [] : ["AUTH"])],
  authOptional: !orders.user,
  hideSMTPUTF8: Boolean(orders.asciiOnly),
  // Closing a connection at the end of a test must not wait.
  closeTimeout: 1,
  onConnect(session, callback) {
    print({ event: "connected" });
    callback();
  },
  onAuth(auth, session, callback) {
    const right = auth.username === orders.user && auth.password === orders.password;
    print({ event: "login", right, secure: session.secure });
    callback(right ? null : Object.assign(new Error("5.7.8 no"), { responseCode: 535 }), { user: auth.username });
  },
  onClose() {
    print({ event: "closed" });
  },
  onMailFrom(address, session, callback) {
    answer("from", callback);
  },
  onRcptTo(address, session, callback) {
    print({ event: "recipient" });
    answer("to", callback);
  },
  onData(stream, session, callback) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", async () => {
      const raw = Buffer.concat(chunks);
      const mail = await PostalMime.parse(raw);
      print({
        event: "mail",
        raw: raw.toString("latin1"),
        secure: session.secure,
        hello: session.hostNameAppearsAs,
        envelope: { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map((to) => to.address) },
        from: mail.from,
        to: mail.to,
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        messageId: mail.messageId,
        headers: mail.headers,
      });
      const sockets = [...server.connections].map((connection) => connection._socket);
      if (orders.then === "mute") return;
      if (orders.then === "hang-up") return sockets.forEach((socket) => socket.destroy());
      const said = orders.say?.data;
      if (said?.[0] === 250) callback(null, said[1]);
      else answer("data", callback);
      if (orders.then === "close") sockets.forEach((socket) => socket.destroySoon());
    });
  },
});

// A handshake that failed ends a connection too.
server.on("error", (error) => print({ event: "closed", error: String(error) }));
server.listen(orders.port ?? 0, "127.0.0.1", () => print({ event: "listening", port: server.server.address().port }));
process.stdin.on("end", () => process.exit(0)).resume();
