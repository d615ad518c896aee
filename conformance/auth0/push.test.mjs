// A device, by the vendor's library for servers on one side and an app that signs as the vendor's Guardian libraries do on the other;
// its signatures are made by `jose`.

import assert from "node:assert/strict";
import test from "node:test";
import { AuthClient } from "@auth0/auth0-auth-js";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { DOMAIN, clientId, clientSecret, freshUser } from "./stage.mjs";

const { BASE_URL } = process.env;
const client = new AuthClient({ domain: DOMAIN, clientId, clientSecret });
const BASE = `https://${DOMAIN}/appliance-mfa`;

async function mfaToken(user) {
  const error = await client.getTokenByPassword({ username: user.username, password: user.password, scope: "openid" }).catch((error) => error);
  return error.cause.mfa_token;
}

const post = (path, authorization, body) =>
  fetch(BASE + path, { method: "POST", headers: { authorization, "content-type": "application/json" }, body: JSON.stringify(body) });

/** The last question that was to be carried to a device. */
async function carried() {
  const { callbacks } = await (await fetch(`${BASE_URL}/sandbox/callbacks`)).json();
  return JSON.parse(callbacks.at(-1).body).data;
}

for (const [alg, options] of [["RS256", { modulusLength: 2048 }], ["ES256", {}]]) {
  test(`a device with a key of ${alg}: enrol, ask, wait, accept, refuse`, async () => {
    const { publicKey, privateKey } = await generateKeyPair(alg, options);
    const user = await freshUser();
    const identifier = `device-${alg}`;

    let token = await mfaToken(user);
    const enrolled = await client.mfa.enrollAuthenticator({ mfaToken: token, authenticatorTypes: ["oob"], oobChannels: ["auth0"] });
    const uri = new URL(enrolled.barcodeUri);
    assert.deepEqual([uri.protocol, uri.searchParams.get("base_url"), enrolled.oobChannel], ["otpauth:", BASE, "auth0"]);
    const verify = (oobCode) => client.mfa.verify({ mfaToken: token, factorType: "oob", oobCode });
    const isToldOf = (code) => (error) => (assert.equal(error.cause.error, code), true);
    await assert.rejects(verify(enrolled.oobCode), isToldOf("authorization_pending"));
    const registered = await post("/api/enroll", `Ticket id="${uri.searchParams.get("enrollment_tx_id")}"`, {
      identifier,
      name: "Phone",
      push_credentials: { service: "GCM", token: "its-name-there" },
      public_key: { ...(await exportJWK(publicKey)), alg, use: "sig" },
    });
    const { user_id, totp } = await registered.json();
    assert.deepEqual([registered.status, user_id, totp.period], [200, user.user_id, 30]);
    assert.ok((await verify(enrolled.oobCode)).accessToken);

    const answer = async (accepted) => {
      const question = await carried();
      const { now } = await (await fetch(`${BASE_URL}/sandbox/clock`)).json();
      const seconds = Math.floor(Date.parse(now) / 1000);
      const claims = { auth0_guardian_method: "push", auth0_guardian_accepted: accepted };
      const signing = new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" }).setIssuer(identifier).setSubject(question.c);
      const signed = await signing.setAudience(`${BASE}/api/resolve-transaction`).setIssuedAt(seconds).setExpirationTime(seconds + 30).sign(privateKey);
      return (await post("/api/resolve-transaction", `Bearer ${question.txtkn}`, { challenge_response: signed })).status;
    };
    token = await mfaToken(user);
    const listed = await client.mfa.listAuthenticators({ mfaToken: token });
    const { id } = listed.find(({ id }) => id.startsWith("push|dev_"));
    const ask = () => client.mfa.challengeAuthenticator({ mfaToken: token, challengeType: "oob", authenticatorId: id });
    const refused = await ask();
    assert.equal(refused.bindingMethod, undefined);
    await assert.rejects(verify(refused.oobCode), isToldOf("authorization_pending"));
    assert.equal(await answer(false), 204);
    await assert.rejects(verify(refused.oobCode), isToldOf("access_denied"));
    const accepted = await ask();
    assert.equal(await answer(true), 204);
    assert.ok((await verify(accepted.oobCode)).accessToken);
  });
}
