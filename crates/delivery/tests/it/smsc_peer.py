"""An SMSC of another make for the tests: PyPI's smpp34, which is written in Rust by others. It takes every message, prints what it
saw, one JSON object a line, and sends back receipts until they are acknowledged. It ends with its standard input."""

import asyncio
import json
import os
import sys
import threading

import smpp34

# {state: "DELIVRD" | "UNDELIV" (what its receipts say), everyNth: 5 (each fifth message is throttled)}
orders = json.loads(sys.argv[1])
MESSAGE_STATE = {"DELIVRD": 2, "UNDELIV": 5}
PATIENCE = 3
receivers = {}
owed = asyncio.Queue()


def show(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


async def deliver(esme, to, sender, name):
    text = f"id:{name} sub:001 dlvrd:001 submit date:2601011200 done date:2601011200 stat:{orders['state']} err:000 text:"
    try:
        handing_over = esme.deliver_sm(
            sender,
            text.encode(),
            source_addr=to,
            esm_class=4,
            tlvs=[smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, bytes([MESSAGE_STATE[orders["state"]]]))],
        )
        answer = await asyncio.wait_for(handing_over, PATIENCE)
        show(event="acknowledged", to=to, status=answer.command_status)
        if answer.is_success:
            return
    except Exception:
        # The library does not always notice that a session has been cut: whoever does not answer is not asked again.
        receivers.pop(esme.session_id, None)
    await owed.put((to, sender, name))


async def send_owed():
    while True:
        receipt = await owed.get()
        while not receivers:
            await asyncio.sleep(0.02)
        esme = list(receivers.values())[-1]
        asyncio.ensure_future(deliver(esme, *receipt))


async def main():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port, system_id="python")
    await server.start()
    asyncio.ensure_future(send_owed())
    show(event="listening", port=port)
    seen, taken = 0, 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            show(event="bound", right=True)
            if event.can_receive:
                receivers[event.session_id] = event
        elif isinstance(event, smpp34.Unbound):
            receivers.pop(event.session_id, None)
            show(event="unbound")
        else:
            seen += 1
            if orders.get("everyNth") and seen % orders["everyNth"] == 0:
                event.reject(smpp34.ESME_RTHROTTLED)
                continue
            taken += 1
            # Its answers are hexadecimal and its receipts decimal.
            show(event="submitted", to=event.destination_addr, text=event.short_message.decode("latin1"))
            event.accept(f"{taken:x}")
            if event.registered_delivery:
                await owed.put((event.destination_addr, event.source_addr, f"{taken:010}"))


threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
asyncio.run(main())
