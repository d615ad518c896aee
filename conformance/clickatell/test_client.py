"""The library as its users call it. Nothing of it is patched but the name of the host."""

import json
import os
import subprocess
import unittest
import urllib.request

from clickatell.exception import ClickatellError
from clickatell.rest import Rest

NUMBER = "27999112345"


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = [os.environ["COUNTERSIGN_BIN"], "dev", "--listen", "127.0.0.1:0"]
        cls.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.base = cls.server.stdout.readline().split()[1]
        with urllib.request.urlopen(cls.base + "/sandbox/credentials") as answer:
            cls.token = json.load(answer)["tenants"][0]["clickatell"]["token"]

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.communicate()

    def client(self, token=None):
        client = Rest(token or self.token)
        client.endpoint = self.base.removeprefix("http://")
        return client

    def test_a_message_is_sent_and_asked_for(self):
        (sent,) = self.client().sendMessage(NUMBER, "hello")
        self.assertEqual((sent["destination"], sent["error"]), (NUMBER.encode(), False))
        with urllib.request.urlopen(f"{self.base}/sandbox/messages?to={NUMBER}&wait=20") as answer:
            self.assertEqual(json.load(answer)["messages"][0]["text"], "hello")
        status = self.client().queryMessage(sent["id"].decode())
        self.assertIn(status["status"], [b"002", b"003", b"004"])
        self.assertEqual(status["charge"], 0.0)

    def test_a_refused_number_is_told_in_its_place(self):
        good, bad = self.client().sendMessage([NUMBER, "333"], "hello")
        self.assertFalse(good["error"])
        self.assertEqual((bad["error"], bad["errorCode"], bad["id"]), (b"Invalid Destination Address", b"105", b""))

    def test_a_later_message_is_stopped(self):
        (sent,) = self.client().sendMessage(NUMBER, "later", {"scheduledDeliveryTime": "2100-01-01T00:00:00Z"})
        name = sent["id"].decode()
        self.assertEqual(self.client().queryMessage(name)["status"], b"011")
        self.assertEqual(self.client().stopMessage(name)["status"], b"006")

    def test_money_and_coverage(self):
        self.assertEqual(self.client().getBalance(), {"balance": 0.0})
        covered = self.client().routeCoverage(NUMBER)
        self.assertEqual(covered, {"routable": True, "destination": NUMBER.encode(), "charge": 0.0})

    def test_a_refusal_is_an_exception_with_a_code(self):
        with self.assertRaises(ClickatellError) as refused:
            self.client("wrong").getBalance()
        self.assertEqual((str(refused.exception), refused.exception.code), ("Authentication failed", "001"))


if __name__ == "__main__":
    unittest.main()
