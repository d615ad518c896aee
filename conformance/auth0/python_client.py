"""The vendor's Python client, over TLS and without; and joserfc reads our tokens."""

import requests
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management import Auth0
from joserfc import jwt
from joserfc.jwk import KeySet

import stage

client = GetToken(stage.DOMAIN, stage.CLIENT_ID, client_secret=stage.CLIENT_SECRET)


def log_in(user: dict, **more: object) -> dict:
    return client.login(user["username"], user["password"], scope="openid", **more)


def token_of(user: dict) -> str:
    try:
        log_in(user)
    except Auth0Error as error:
        assert (error.status_code, error.error_code) == (403, "mfa_required"), error
        return error.content["mfa_token"]
    raise AssertionError("no second factor was asked for")


def post(path: str, body: dict, bearer: str | None = None) -> dict:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return client.post(f"https://{stage.DOMAIN}{path}", data=body, headers=headers)


def verify(token: str, kind: str, **proof: str) -> dict:
    grant_type = f"http://auth0.com/oauth/grant-type/mfa-{kind}"
    own = {"client_id": stage.CLIENT_ID, "client_secret": stage.CLIENT_SECRET}
    return post("/oauth/token", {"grant_type": grant_type, "mfa_token": token, **proof, **own})


def refused(description: str, call, *args: object, **more: object) -> Auth0Error:
    try:
        call(*args, **more)
    except Auth0Error as error:
        assert description in error.message, error
        return error
    raise AssertionError(f"taken, in spite of: {description}")


# A password alone.
nobody = stage.fresh_user("off")
tokens = log_in(nobody)
assert tokens["expires_in"] == 86400
keys = KeySet.import_key_set(requests.get(f"https://{stage.DOMAIN}/.well-known/jwks.json", timeout=10).json())
claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
assert (claims["aud"], claims["sub"], claims["iss"]) == (stage.CLIENT_ID, nobody["user_id"], f"https://{stage.DOMAIN}/")
assert refused("Wrong email or password.", client.login, nobody["username"], "wrong").status_code == 403

# A phone: enrol, verify, challenge, wrong code, list, delete.
user, number = stage.fresh_user(), stage.fresh_number()
token = token_of(user)
types = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": number}
enrolled = post("/mfa/associate", types, token)
code = stage.last_code(number)
refused("Invalid binding_code.", verify, token, "oob", oob_code=enrolled["oob_code"], binding_code=stage.wrong(code))
assert verify(token, "oob", oob_code=enrolled["oob_code"], binding_code=code)["access_token"]
token = token_of(user)
own = {"client_id": stage.CLIENT_ID, "client_secret": stage.CLIENT_SECRET}
challenge = post("/mfa/challenge", {"mfa_token": token, "challenge_type": "oob", **own})
second = stage.last_code(number, 2)
audience = f"https://{stage.DOMAIN}/mfa/"
assert verify(token, "oob", oob_code=challenge["oob_code"], binding_code=second)["access_token"]
refused("User is already enrolled.", post, "/mfa/associate", types, token_of(user))
recovery_code = enrolled["recovery_codes"][0]
recovered = verify(token_of(user), "recovery-code", recovery_code=recovery_code)
assert recovered["recovery_code"] != recovery_code
refused("MFA Authorization rejected.", verify, token_of(user), "recovery-code", recovery_code=recovery_code)

# Limits are told as whole seconds.
victim = stage.fresh_user()
for _ in range(10):
    refused("Wrong email or password.", client.login, victim["username"], "wrong")
blocked = refused("blocked", client.login, victim["username"], victim["password"])
assert (blocked.status_code, blocked.error_code) == (429, "too_many_attempts"), blocked

# Administration.
own = client.client_credentials(f"https://{stage.DOMAIN}/api/v2/")
management = Auth0(base_url=f"https://{stage.DOMAIN}/api/v2", token=own["access_token"])
methods = list(management.users.authentication_methods.list(user["user_id"]))
assert {it.type for it in methods} == {"phone", "recovery-code"}, methods
phone = next(it for it in methods if it.type == "phone")
management.users.authentication_methods.delete(user["user_id"], phone.id)
assert all(it.type != "phone" for it in management.users.authentication_methods.list(user["user_id"]))
print("auth0-python: ok")
