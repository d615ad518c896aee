// An independent library reads our tokens with the keys that we publish, before and after these take turns.

import assert from "node:assert/strict";
import test from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { DOMAIN, audience, clientId, clientSecret, freshUser } from "./stage.mjs";

const issuer = `https://${DOMAIN}/`;

async function post(path, body, headers = {}) {
  const answer = await fetch(issuer + path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  return answer.json();
}

test("tokens verify before and after the keys take turns", async () => {
  const user = await freshUser("off");
  const client = { client_id: clientId, client_secret: clientSecret };
  const logIn = () =>
    post("oauth/token", { grant_type: "password", username: user.username, password: user.password, audience, scope: "openid read:things", ...client });
  const keys = () => createRemoteJWKSet(new URL(`${issuer}.well-known/jwks.json`));
  const verify = async ({ access_token, id_token }) => {
    const access = await jwtVerify(access_token, keys(), { issuer, audience, algorithms: ["RS256"], typ: "JWT" });
    assert.equal(access.payload.azp, clientId);
    assert.equal(access.payload.scope, "openid read:things");
    await jwtVerify(id_token, keys(), { issuer, audience: clientId, subject: user.user_id });
    return access.protectedHeader.kid;
  };
  const before = await logIn();
  const first = await verify(before);
  const own = await post("oauth/token", { grant_type: "client_credentials", audience: `${issuer}api/v2/`, ...client });
  await post("api/v2/keys/signing/rotate", {}, { authorization: `Bearer ${own.access_token}` });
  const second = await verify(await logIn());
  assert.notEqual(second, first);
  assert.equal(await verify(before), first);
});
