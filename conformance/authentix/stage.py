"""A running `countersign dev`, and what every test needs of it: credentials, the inbox, the clock."""

import itertools
import os
import subprocess
import tempfile
import unittest
from urllib.parse import quote

import requests

# A proxy that is set for this machine must not come between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

ROOT = "/rest/authentix/v1"
_numbers = itertools.count(100000)


def number():
    """A number of Cameroon that no other test uses."""
    return f"+237671{next(_numbers)}"


class Server:
    """The server process; everything it keeps is in a folder that goes with it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="countersign-authentix-")
        self.process = None
        self.start()

    def start(self):
        command = [os.environ["COUNTERSIGN_BIN"], "dev", "--listen", "127.0.0.1:0", "--data", self.folder.name]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip().removeprefix("ready ")
        if not self.url:
            raise RuntimeError("the server did not start")
        tenants = requests.get(f"{self.url}/sandbox/credentials").json()["tenants"]
        self.tenants = [tenant["authentix"] for tenant in tenants]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.kill()
        self.folder.cleanup()

    def headers(self, tenant=0, **more):
        of = self.tenants[tenant]
        return {"ApiUser": of["api_user"], "ApiKey": of["api_key"], **more}

    def ask(self, method, path, tenant=0, headers=None, **rest):
        """One request of the API."""
        headers = self.headers(tenant) if headers is None else headers
        return requests.request(method, self.url + ROOT + path, headers=headers, **rest)

    def messages(self, to, at_least=1):
        """What has arrived there, oldest first; waits until there is so much."""
        after, found = 0, []
        while len(found) < at_least:
            query = f"to={quote(to)}&after={after}&wait=30"
            new = requests.get(f"{self.url}/sandbox/messages?{query}").json()["messages"]
            if not new:
                raise AssertionError(f"{len(found)} messages arrived, and not {at_least}")
            found += new
            after = found[-1]["seq"]
        return found

    def code(self, to, at_least=1):
        return self.messages(to, at_least)[-1]["code"]

    def advance(self, seconds):
        requests.post(f"{self.url}/sandbox/clock", json={"advance_seconds": seconds}).raise_for_status()


class OnServer(unittest.TestCase):
    """Tests that share one server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def refused(self, answer, status, code):
        """The answer is this error, in full form."""
        self.assertEqual((answer.status_code, answer.json()["errorCode"]), (status, code), answer.text)
        body = answer.json()
        self.assertEqual(set(body), {"status", "errorCode", "errorMessage", "errorDetails"})
        self.assertEqual((body["status"], type(body["errorDetails"])), (status, dict))
        self.assertTrue(body["errorMessage"])

    def configured(self, **fields):
        """A fresh configuration's id."""
        fields.setdefault("serviceName", f"Service {number()}")
        answer = self.server.ask("POST", "/configurations", data=fields)
        self.assertEqual(answer.status_code, 201, answer.text)
        return answer.json()["configurationId"]

    def start(self, configuration, dest, channel="sms", **fields):
        path = f"/configurations/{configuration}/authentications"
        return self.server.ask("POST", path, data={"dest": dest, "channel": channel, **fields})

    def started(self, *args, **fields):
        answer = self.start(*args, **fields)
        self.assertEqual(answer.status_code, 201, answer.text)
        return answer.json()

    def check(self, configuration, **fields):
        return self.server.ask("POST", f"/configurations/{configuration}/authentication-controls", data=fields)

    def fetch(self, configuration, authentication):
        return self.server.ask("GET", f"/configurations/{configuration}/authentications/{authentication}").json()

    def update(self, configuration, authentication, status):
        path = f"/configurations/{configuration}/authentications/{authentication}"
        return self.server.ask("POST", path, data={"status": status})
