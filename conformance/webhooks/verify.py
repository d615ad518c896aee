"""Verifies calls with the library of PyPI: JSON lines come in, and for each its type or the refusal goes out."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    call = json.loads(line)
    try:
        print(Webhook(call["secret"]).verify(call["body"], call["headers"])["type"])
    except WebhookVerificationError as error:
        print(f"refused: {error}")
