"""The vendor's library for servers in Python: enrol, challenge, verify, wrong code, list, recovery."""

import asyncio

from auth0_server_python.auth_server.mfa_client import MfaClient
from auth0_server_python.error import MfaVerifyError

import stage

SECRET = "a secret of the library itself, 32 bytes"


async def main() -> None:
    client = MfaClient(stage.DOMAIN, stage.CLIENT_ID, stage.CLIENT_SECRET, secret=SECRET)
    user = stage.fresh_user()

    def wrapped() -> str:
        return client._encrypt_mfa_token(stage.mfa_token(user), audience="", scope="openid")

    async def refused(options: dict, description: str) -> None:
        try:
            await client.verify(options)
        except MfaVerifyError as error:
            assert description in str(error), error
        else:
            raise AssertionError(f"taken: {options}")

    token = wrapped()
    assert await client.list_authenticators({"mfa_token": token}) == []
    app = await client.enroll_authenticator({"mfa_token": token, "factor_type": "otp"})
    code = stage.shown_by_app(app.secret)
    await refused({"mfa_token": token, "otp": stage.wrong(code)}, "Invalid otp_code.")
    assert (await client.verify({"mfa_token": token, "otp": code})).token_type == "Bearer"

    token = wrapped()
    listed = await client.list_authenticators({"mfa_token": token})
    assert [it.authenticator_type for it in listed] == ["otp", "recovery-code"], listed
    challenge = await client.challenge_authenticator({"mfa_token": token, "factor_type": "otp"})
    assert challenge.challenge_type == "otp"
    await refused({"mfa_token": token, "otp": code}, "Invalid otp_code.")
    recovery_code = app.recovery_codes[0]
    recovered = await client.verify({"mfa_token": token, "recovery_code": recovery_code})
    assert recovered.recovery_code not in (None, recovery_code)
    await refused({"mfa_token": wrapped(), "recovery_code": recovery_code}, "MFA Authorization rejected.")

    user = stage.fresh_user()
    number = stage.fresh_number()
    token = wrapped()
    phone = await client.enroll_authenticator({"mfa_token": token, "factor_type": "sms", "phone_number": number})
    await client.verify({"mfa_token": token, "oob_code": phone.oob_code, "binding_code": stage.last_code(number)})
    token = wrapped()
    challenge = await client.challenge_authenticator({"mfa_token": token, "factor_type": "sms"})
    code = stage.last_code(number, 2)
    wrong = {"mfa_token": token, "oob_code": challenge.oob_code, "binding_code": stage.wrong(code)}
    await refused(wrong, "Invalid binding_code.")
    await client.verify({"mfa_token": token, "oob_code": challenge.oob_code, "binding_code": code})


asyncio.run(main())
print("auth0-server-python: ok")
