// The vendor's library for pages in browsers: a client without a secret. It wants a few things of a browser, which stand here.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { DOMAIN, freshUser, freshNumber, lastCode, publicClientId, wrong } from "./stage.mjs";

const storage = () => {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
};
globalThis.window = globalThis;
globalThis.self = globalThis;
globalThis.location = new URL("http://localhost:3000/");
globalThis.document = { cookie: "", createElement: () => ({}), addEventListener() {} };
globalThis.sessionStorage = storage();
globalThis.localStorage = storage();
globalThis.addEventListener = () => {};
globalThis.removeEventListener = () => {};

const { Auth0Client } = createRequire(import.meta.url)("@auth0/auth0-spa-js");

const client = new Auth0Client({ domain: DOMAIN, clientId: publicClientId, useRefreshTokens: false, cacheLocation: "memory" });

async function mfaRequired(user) {
  const answer = await fetch(`https://${DOMAIN}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ grant_type: "password", username: user.username, password: user.password, scope: "openid", client_id: publicClientId }),
  });
  const refused = await answer.json();
  assert.equal(refused.error, "mfa_required");
  client.mfa.setMFAAuthDetails(refused.mfa_token, "openid", undefined, refused.mfa_requirements);
  return refused.mfa_token;
}

test("without a secret: enrol, verify, list, challenge, wrong code, verify", async () => {
  const user = await freshUser();
  const phoneNumber = freshNumber();
  let mfaToken = await mfaRequired(user);
  assert.deepEqual((await client.mfa.getEnrollmentFactors(mfaToken)).map(({ type }) => type), ["otp", "phone", "push-notification", "email"]);
  const enrolled = await client.mfa.enroll({ mfaToken, factorType: "sms", phoneNumber });
  const first = await lastCode(phoneNumber);
  await client.mfa.verify({ mfaToken, oobCode: enrolled.oobCode, bindingCode: first });

  mfaToken = await mfaRequired(user);
  const listed = await client.mfa.getAuthenticators(mfaToken);
  const phone = listed.find(({ id }) => id.startsWith("sms|dev_"));
  const challenge = await client.mfa.challenge({ mfaToken, challengeType: "oob", authenticatorId: phone.id });
  const second = await lastCode(phoneNumber, 2);
  const verify = (bindingCode) => client.mfa.verify({ mfaToken, oobCode: challenge.oobCode, bindingCode });
  await assert.rejects(verify(wrong(second)), (error) => error.error_description === "Invalid binding_code.");
  assert.ok((await verify(second)).access_token);
});
