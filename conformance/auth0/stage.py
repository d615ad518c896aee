"""What both Python tests share: the credentials of dev mode, fresh users, the inbox, and the codes of an app."""

import base64
import datetime
import hashlib
import hmac
import itertools
import os
import struct

import requests

BASE_URL = os.environ["BASE_URL"]
DOMAIN = os.environ["DOMAIN"]

_credentials = requests.get(f"{BASE_URL}/sandbox/credentials", timeout=10).json()["tenants"][0]["auth0"]
CLIENT_ID = _credentials["client_id"]
CLIENT_SECRET = _credentials["client_secret"]
AUDIENCE = _credentials["audience"]

_counter = itertools.count(1)


def fresh_user(mfa: str = "required") -> dict:
    name = f"py-{os.getpid()}-{next(_counter)}@example.com"
    body = {"tenant": "dev", "username": name, "password": "correct horse", "mfa": mfa}
    answer = requests.post(f"{BASE_URL}/sandbox/users", json=body, timeout=10)
    assert answer.status_code == 201, answer.text
    return answer.json()


def fresh_number() -> str:
    return f"+1312{5550100 + os.getpid() % 1000 + next(_counter)}"


def mfa_token(user: dict) -> str:
    body = {
        "grant_type": "password",
        "username": user["username"],
        "password": user["password"],
        "scope": "openid",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    answer = requests.post(f"https://{DOMAIN}/oauth/token", json=body, timeout=10)
    assert answer.status_code == 403, answer.text
    return answer.json()["mfa_token"]


def last_code(to: str, count: int = 1) -> str:
    found, after = [], 0
    while len(found) < count:
        query = {"to": to, "after": after, "wait": 10}
        messages = requests.get(f"{BASE_URL}/sandbox/messages", params=query, timeout=30).json()["messages"]
        assert messages, f"no message to {to}"
        found += messages
        after = found[-1]["seq"]
    return found[-1]["code"]


def advance(seconds: int) -> None:
    requests.post(f"{BASE_URL}/sandbox/clock", json={"advance_seconds": seconds}, timeout=10).raise_for_status()


def shown_by_app(secret: str) -> str:
    """RFC 6238."""
    now = requests.get(f"{BASE_URL}/sandbox/clock", timeout=10).json()["now"]
    step = int(datetime.datetime.fromisoformat(now.replace("Z", "+00:00")).timestamp()) // 30
    tag = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    number = struct.unpack(">I", tag[tag[-1] & 15 :][:4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def wrong(code: str) -> str:
    return "000001" if code == "000000" else "000000"
