// The vendor's library for administration.

import assert from "node:assert/strict";
import test from "node:test";
import { ManagementClient } from "auth0";
import { DOMAIN, clientId, clientSecret, freshNumber, freshUser } from "./stage.mjs";

test("factors as an administrator sees them", async () => {
  const management = new ManagementClient({ domain: DOMAIN, clientId, clientSecret });
  const user = await freshUser();
  const phone = await management.users.authenticationMethods.create(user.user_id, {
    type: "phone",
    name: "work",
    phone_number: freshNumber(),
    preferred_authentication_method: "sms",
  });
  assert.match(phone.id, /^phone\|dev_/);
  const listed = [];
  for await (const method of await management.users.authenticationMethods.list(user.user_id)) listed.push(method);
  assert.deepEqual(listed.map(({ id }) => id), [phone.id]);
  assert.equal((await management.users.authenticationMethods.get(user.user_id, phone.id)).name, "work");
  await management.users.authenticationMethods.delete(user.user_id, phone.id);
  const factors = await management.guardian.factors.list();
  assert.ok(factors.find(({ name }) => name === "otp").enabled);
});
