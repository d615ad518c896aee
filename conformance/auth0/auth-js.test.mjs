// The vendor's library for servers: everything that it can do with second factors.

import assert from "node:assert/strict";
import test from "node:test";
import { AuthClient } from "@auth0/auth0-auth-js";
import { DOMAIN, clientId, clientSecret, freshNumber, freshUser, lastCode, nextStep, shownByApp, wrong } from "./stage.mjs";

const client = new AuthClient({ domain: DOMAIN, clientId, clientSecret });

async function mfaToken(user) {
  const error = await client.getTokenByPassword({ username: user.username, password: user.password, scope: "openid email" }).then(
    () => assert.fail("no second factor was asked for"),
    (error) => error,
  );
  assert.equal(error.cause.error, "mfa_required");
  assert.match(error.cause.mfa_token, /^Fe26\.2\*/);
  return error.cause.mfa_token;
}

const tokenForFactors = async (user) => {
  const scope = "enroll read:authenticators remove:authenticators";
  return client.getTokenByPassword({ username: user.username, password: user.password, audience: `https://${DOMAIN}/mfa/`, scope });
};

test("a password alone is enough for a user without a second factor", async () => {
  const user = await freshUser("off");
  const token = await client.getTokenByPassword({ username: user.username, password: user.password, scope: "openid email" });
  assert.equal(token.claims.sub, user.user_id);
  assert.equal(token.claims.email, user.username);
  await assert.rejects(client.getTokenByPassword({ username: user.username, password: "wrong" }), (error) => {
    assert.equal(error.cause.error_description, "Wrong email or password.");
    return true;
  });
});

test("a phone: enrol, verify, list, challenge, wrong code, verify", async () => {
  const user = await freshUser();
  const phoneNumber = freshNumber();
  let token = await mfaToken(user);
  assert.deepEqual(await client.mfa.listAuthenticators({ mfaToken: token }), []);
  const enrolled = await client.mfa.enrollAuthenticator({ mfaToken: token, authenticatorTypes: ["oob"], oobChannels: ["sms"], phoneNumber });
  assert.equal(enrolled.oobChannel, "sms");
  const code = await lastCode(phoneNumber);
  const verified = await client.mfa.verify({ mfaToken: token, factorType: "oob", oobCode: enrolled.oobCode, bindingCode: code });
  assert.deepEqual(verified.claims.amr, ["mfa"]);

  token = await mfaToken(user);
  const listed = await client.mfa.listAuthenticators({ mfaToken: token });
  const phone = listed.find(({ id }) => id.startsWith("sms|dev_"));
  assert.ok(phone.active);
  const challenge = await client.mfa.challengeAuthenticator({ mfaToken: token, challengeType: "oob", authenticatorId: phone.id });
  assert.equal(challenge.bindingMethod, "prompt");
  const second = await lastCode(phoneNumber, 2);
  const verify = (bindingCode) => client.mfa.verify({ mfaToken: token, factorType: "oob", oobCode: challenge.oobCode, bindingCode });
  await assert.rejects(verify(wrong(second)), (error) => {
    assert.equal(error.cause.error, "invalid_grant");
    assert.equal(error.cause.error_description, "Invalid binding_code.");
    return true;
  });
  assert.ok((await verify(second)).accessToken);
});

test("an app: enrol, wrong code, verify, challenge, each code once, recovery", async () => {
  const user = await freshUser();
  let token = await mfaToken(user);
  const enrolled = await client.mfa.enrollAuthenticator({ mfaToken: token, authenticatorTypes: ["otp"] });
  assert.match(enrolled.barcodeUri, /^otpauth:\/\/totp\/.*algorithm=SHA1&digits=6&period=30$/);
  const [recoveryCode] = enrolled.recoveryCodes;
  assert.match(recoveryCode, /^[A-Z0-9]{24}$/);
  const verify = (otp) => client.mfa.verify({ mfaToken: token, factorType: "otp", otp });
  const code = await shownByApp(enrolled.secret);
  const isWrong = (error) => error.cause.error_description === "Invalid otp_code.";
  await assert.rejects(verify(wrong(code)), isWrong);
  assert.ok((await verify(code)).accessToken);

  token = await mfaToken(user);
  assert.deepEqual(await client.mfa.challengeAuthenticator({ mfaToken: token, challengeType: "otp" }), { challengeType: "otp" });
  await assert.rejects(verify(code), isWrong);
  await nextStep();
  assert.ok((await verify(await shownByApp(enrolled.secret))).accessToken);

  token = await mfaToken(user);
  const recovered = await client.mfa.verify({ mfaToken: token, factorType: "recovery-code", recoveryCode });
  assert.notEqual(recovered.recoveryCode, recoveryCode);
  token = await mfaToken(user);
  await assert.rejects(client.mfa.verify({ mfaToken: token, factorType: "recovery-code", recoveryCode }), (error) => {
    assert.equal(error.cause.error_description, "MFA Authorization rejected.");
    return true;
  });
});

test("a mailbox, and factors are taken away with a token for that", async () => {
  const user = await freshUser();
  const token = await mfaToken(user);
  const enrolled = await client.mfa.enrollAuthenticator({ mfaToken: token, authenticatorTypes: ["oob"], oobChannels: ["email"] });
  const bindingCode = await lastCode(user.username);
  await client.mfa.verify({ mfaToken: token, factorType: "oob", oobCode: enrolled.oobCode, bindingCode });
  const { accessToken, expiresAt } = await tokenForFactors(user);
  assert.ok(expiresAt);
  const [mail] = await client.mfa.listAuthenticators({ mfaToken: accessToken });
  assert.match(mail.id, /^email\|dev_/);
  await assert.rejects(client.mfa.deleteAuthenticator({ mfaToken: token, authenticatorId: mail.id }));
  await client.mfa.deleteAuthenticator({ mfaToken: accessToken, authenticatorId: mail.id });
  const left = await client.mfa.listAuthenticators({ mfaToken: accessToken });
  assert.equal(left.filter(({ authenticatorType }) => authenticatorType === "oob").length, 0);
});

test("refresh, client credentials and the user's profile", async () => {
  const user = await freshUser("off");
  const first = await client.getTokenByPassword({ username: user.username, password: user.password, scope: "openid profile offline_access" });
  const second = await client.getTokenByRefreshToken({ refreshToken: first.refreshToken });
  assert.equal(second.claims.sub, user.user_id);
  const profile = await client.getUserInfo({ accessToken: second.accessToken }).catch((error) => error);
  assert.ok(profile);
  const own = await client.getTokenByClientCredentials({ audience: `https://${DOMAIN}/api/v2/` });
  assert.ok(own.accessToken);
  await client.revokeToken({ token: first.refreshToken });
  await assert.rejects(client.getTokenByRefreshToken({ refreshToken: first.refreshToken }));
});
