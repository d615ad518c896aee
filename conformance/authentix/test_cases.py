"""The acceptance cases, by plain HTTP. The numbers are those of the list."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from stage import ROOT, OnServer, number

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Transport(OnServer):
    def test_01_to_05_headers(self):
        ask, headers = self.server.ask, self.server.headers()
        self.refused(ask("GET", "/configurations", headers={}), 401, 20002)
        self.refused(ask("GET", "/configurations", headers={"ApiUser": "dev"}), 401, 20002)
        self.refused(ask("GET", "/configurations", headers={**headers, "ApiKey": "wrong"}), 401, 20003)
        self.refused(ask("GET", "/configurations", headers={**headers, "ApiUser": "dev2"}), 401, 20003)
        other_case = {"apiuser": headers["ApiUser"], "APIKEY": headers["ApiKey"]}
        self.assertEqual(ask("GET", "/configurations", headers=other_case).status_code, 200)
        self.refused(ask("GET", "/configurations", headers={**headers, "Accept": "text/html"}), 406, 10003)
        self.assertEqual(ask("GET", "/configurations", headers={**headers, "Accept": "*/*"}).status_code, 200)
        odd = {**headers, "Accept-Encoding": "utf-8", "Connection": "close"}
        self.assertEqual(ask("GET", "/configurations", headers=odd).headers["connection"], "close")

    def test_unknown_paths_and_methods_are_refused_in_this_api_s_form(self):
        self.refused(self.server.ask("GET", "/nothing"), 404, 404)
        self.assertEqual(self.server.ask("PUT", "/configurations").json()["status"], 405)
        self.assertEqual(self.server.ask("DELETE", "/authenticationTrialStats").json()["errorDetails"], {})


class Configurations(OnServer):
    def create(self, **fields):
        return self.server.ask("POST", "/configurations", data=fields)

    def test_06_to_13_create(self):
        answer = self.create(serviceName="Svc")
        made = answer.json()
        self.assertEqual((answer.status_code, answer.headers["content-type"]), (201, "application/json"))
        self.assertEqual(len(made), 15)
        usual = ["codeLength", "allowCustomCode", "usedForDigitalPayment", "defaultExpiryTime", "defaultMaxTrials",
                 "defaultMaxControls", "smtpSettingId", "emailTemplateId", "smsTemplateId", "apiVersion"]
        self.assertEqual([made[name] for name in usual], [5, False, False, 15, 5, 3, None, None, None, "1.0.0"])
        self.assertRegex(made["configurationId"], "^CID[0-9a-f]{32}$")
        self.assertRegex(made["appletId"], "^AID[0-9a-f]{32}$")
        self.assertRegex(made["dateCreated"], DATE)
        self.refused(self.create(serviceName="Svc"), 400, 40006)
        self.refused(self.create(serviceName=" Svc "), 400, 40006)
        self.refused(self.create(serviceName=""), 400, 40002)
        self.refused(self.create(serviceName="x" * 41), 400, 400)
        self.assertEqual(self.create(serviceName="x" * 40).status_code, 201)
        for field, bad, good, code in [
            ("codeLength", [3, 11, "x"], [4, 10], 40003),
            ("defaultExpiryTime", [0, 1441], [1, 1440], 40004),
            ("defaultMaxControls", [0, 7], [1, 6], 40012),
            ("defaultMaxTrials", [0, 101], [1, 100], 40005),
        ]:
            for value in bad:
                self.refused(self.create(serviceName="bad", **{field: value}), 400, code)
            for value in good:
                self.assertEqual(self.create(serviceName=f"{field} {value}", **{field: value}).json()[field], value)
        self.refused(self.create(serviceName="bad", allowCustomCode="maybe"), 400, 400)
        for field, code in [("smtpSettingId", 40009), ("emailTemplateId", 40008), ("smsTemplateId", 40007)]:
            self.refused(self.create(serviceName="bad", **{field: "nope"}), 400, code)
            theirs = {"smtpSettingId": "smtp_setting_id", "emailTemplateId": "email_template_id", "smsTemplateId": "sms_template_id"}
            other = self.server.tenants[1][theirs[field]]
            self.refused(self.create(serviceName="bad", **{field: other}), 400, code)

    def test_14_to_16_update(self):
        configuration = self.configured()
        before = self.server.ask("GET", f"/configurations/{configuration}").json()
        update = lambda **fields: self.server.ask("POST", f"/configurations/{configuration}", data=fields)
        after = update(allowCustomCode="True").json()
        self.assertGreater(after.pop("dateUpdated"), before.pop("dateUpdated"))
        self.assertEqual(after, {**before, "allowCustomCode": True})
        self.refused(update(allowCustomCode="True"), 400, 40011)
        self.refused(update(), 400, 40011)
        self.refused(self.server.ask("GET", "/configurations/CIDnope"), 404, 40010)

    def test_18_to_20_paging_and_tenants(self):
        configuration = self.configured()
        page = self.server.ask("GET", "/configurations?pageSize=2&page=900").json()
        self.assertEqual(set(page), {"page", "pageSize", "totalConfigurations", "totalPages", "outOfPageRange", "configurations"})
        self.assertEqual((page["configurations"], page["outOfPageRange"], page["pageSize"]), ([], True, 2))
        self.refused(self.server.ask("GET", "/configurations?pageSize=0"), 400, 20006)
        self.refused(self.server.ask("GET", "/configurations?page=-1"), 400, 20007)
        self.refused(self.server.ask("GET", f"/configurations/{configuration}", tenant=1), 404, 40010)
        empty = self.server.ask("GET", "/configurations", tenant=1).json()
        self.assertEqual((empty["totalPages"], empty["outOfPageRange"], empty["pageSize"]), (0, False, 20))

    def test_58_delete(self):
        configuration = self.configured()
        begun = self.started(configuration, number())
        delete = lambda: self.server.ask("DELETE", f"/configurations/{configuration}")
        answer = delete()
        self.assertEqual((answer.status_code, answer.content), (204, b""))
        self.refused(delete(), 404, 40010)
        self.refused(self.start(configuration, number()), 404, 40010)
        self.refused(self.check(configuration, authenticationId=begun["authenticationId"], code="1"), 404, 40010)
        trials = self.server.ask("GET", f"/authenticationTrials?configurationId={configuration}").json()
        self.assertEqual(trials["totalAuthenticationTrials"], 1, "its trials stay in the reports")


class Authentications(OnServer):
    def test_21_to_27_start_and_check(self):
        configuration, dest = self.configured(), number()
        begun = self.started(configuration, dest)
        wanted = {"status": "awaiting", "dest": dest, "channel": "sms", "expiryTime": 15, "maxTrials": 5, "maxControls": 3}
        self.assertEqual({name: begun[name] for name in wanted}, wanted)
        self.assertEqual((len(begun), len(begun["trials"]), begun["paymentInfo"]), (14, 1, None))
        code = self.server.code(dest)
        self.assertRegex(code, r"^\d{5}$")
        again = self.started(configuration, dest)
        self.assertEqual(again["authenticationId"], begun["authenticationId"])
        self.assertEqual((len(again["trials"]), again["trials"][0]), (2, begun["trials"][0]))
        self.assertEqual((again["dateCreated"], self.server.code(dest, 2)), (begun["dateCreated"], code))
        wrong = self.check(configuration, dest=dest, code="0" if code != "0" else "1")
        self.assertEqual((wrong.status_code, wrong.json()["status"]), (200, "failed"))
        self.assertEqual(self.fetch(configuration, begun["authenticationId"])["status"], "awaiting")
        right = self.check(configuration, authenticationId=begun["authenticationId"], code=code)
        self.assertEqual((right.status_code, right.json()["status"], len(right.json())), (200, "passed", 10))
        self.assertEqual(self.fetch(configuration, begun["authenticationId"])["status"], "passed")
        self.refused(self.check(configuration, authenticationId=begun["authenticationId"], code=code), 404, 40016)
        self.refused(self.check(configuration, dest=dest, code=code), 404, 40016)

    def test_22_json(self):
        configuration, dest = self.configured(), number()
        path = f"/configurations/{configuration}/authentications"
        answer = self.server.ask("POST", path, json={"dest": dest, "channel": "sms", "unknown": [1]})
        self.assertEqual(answer.status_code, 201, answer.text)
        control = {"dest": dest, "code": self.server.code(dest)}
        answer = self.server.ask("POST", f"/configurations/{configuration}/authentication-controls", json=control)
        self.assertEqual(answer.json()["status"], "passed")

    def test_23_no_answer_contains_a_code(self):
        configuration, dest = self.configured(allowCustomCode="true"), number()
        begun = self.start(configuration, dest, customCode="9081726354")
        vid = begun.json()["authenticationId"]
        trial = begun.json()["trials"][0]["trialId"]
        at = f"/configurations/{configuration}/authentications"
        answers = [begun, self.start(configuration, dest), self.start(configuration, dest, customCode="9081726355")]
        answers += [self.check(configuration, dest=dest, code="1"), self.check(configuration, dest=dest, code="9081726354")]
        answers += [self.server.ask("GET", path) for path in [at, f"{at}/{vid}", "/authenticationTrials", f"/authenticationTrials/{trial}", "/authenticationTrialStats"]]
        for answer in answers:
            self.assertNotIn("9081726354", answer.text + str(answer.headers))

    def test_28_to_33_what_is_refused(self):
        configuration = self.configured()
        self.refused(self.check(configuration, authenticationId="VIDx", code="1"), 404, 40013)
        unknown = "VID" + "0" * 32
        self.refused(self.check(configuration, authenticationId=unknown, code="1"), 404, 40013)
        self.refused(self.check(configuration, code="12345"), 400, 10002)
        self.refused(self.check(configuration, dest=number()), 400, 10002)
        self.refused(self.check(configuration), 400, 10002)
        self.refused(self.check(configuration, dest=number(), code="12345"), 404, 40016)
        self.refused(self.start(configuration, ""), 400, 40101)
        self.refused(self.start(configuration, number(), channel=""), 400, 40101)
        self.refused(self.server.ask("POST", f"/configurations/{configuration}/authentications"), 400, 10002)
        self.refused(self.start(configuration, number(), channel="voice"), 400, 40102)
        for dest in ["0671234567", "a@b.co", "+1", "+0671234567", "+1234567890123456", "237671234567"]:
            self.refused(self.start(configuration, dest), 400, 40103)
        self.refused(self.start("CIDnope", number()), 404, 40010)
        one, other = self.started(configuration, number()), number()
        both = {"authenticationId": one["authenticationId"], "dest": other, "code": "1"}
        self.refused(self.check(configuration, **both), 404, 40016)

    def test_34_to_36_spent_controls(self):
        configuration, dest = self.configured(), number()
        vid = self.started(configuration, dest)["authenticationId"]
        code = self.server.code(dest)
        listed = lambda: self.server.ask("GET", f"/configurations/{configuration}/authentications").json()
        self.assertEqual([item["authenticationId"] for item in listed()["authentications"]], [vid])
        for _ in range(3):
            self.assertEqual(self.check(configuration, dest=dest, code="x").json()["status"], "failed")
        self.refused(self.check(configuration, dest=dest, code=code), 429, 20208)
        self.refused(self.check(configuration, authenticationId=vid, code=code), 429, 20208)
        self.assertEqual(self.fetch(configuration, vid)["status"], "awaiting")
        self.assertEqual((listed()["authentications"], listed()["totalAuthentications"]), ([], 0))
        self.refused(self.start(configuration, dest), 429, 20208)
        self.assertEqual(self.update(configuration, vid, "canceled").json()["status"], "canceled")
        self.assertNotEqual(self.started(configuration, dest)["authenticationId"], vid)

    def test_37_spent_trials(self):
        configuration, dest = self.configured(), number()
        for _ in range(5):
            self.started(configuration, dest)
        self.refused(self.start(configuration, dest), 429, 20208)

    def test_38_and_39_expiry(self):
        configuration, dest = self.configured(), number()
        begun = self.started(configuration, dest)
        vid, code = begun["authenticationId"], self.server.code(dest)
        self.server.advance(15 * 60)
        expired = self.fetch(configuration, vid)
        self.assertEqual(expired["status"], "expired")
        self.assertEqual(expired["dateUpdated"][17:], begun["dateCreated"][17:], "its deadline, minutes later")
        self.refused(self.check(configuration, authenticationId=vid, code=code), 404, 40016)
        self.refused(self.update(configuration, vid, "passed"), 404, 40016)
        self.assertNotEqual(self.started(configuration, dest)["authenticationId"], vid)

    def test_40_to_45_own_codes(self):
        configuration, dest = self.configured(allowCustomCode="True"), number()
        vid = self.started(configuration, dest, customCode="0123456789")["authenticationId"]
        self.assertEqual(self.server.code(dest), "0123456789")
        self.refused(self.start(configuration, dest, customCode="9999"), 400, 400)
        self.assertEqual(self.started(configuration, dest, customCode="0123456789")["authenticationId"], vid)
        self.refused(self.update(configuration, vid, "expired"), 400, 400)
        self.refused(self.update(configuration, "VIDx", "passed"), 404, 40013)
        self.assertEqual(self.update(configuration, vid, "passed").json()["status"], "passed")
        self.refused(self.update(configuration, vid, "passed"), 404, 40016)
        for code, number_of_error in [("abcd", 40105), ("123", 40003), ("12345678901", 40003)]:
            self.refused(self.start(configuration, number(), customCode=code), 400, number_of_error)
        self.refused(self.start(self.configured(), number(), customCode="1234"), 400, 40106)

    def test_46_templates(self):
        sms = self.server.tenants[0]["sms_template_id"]
        configuration, dest = self.configured(), number()
        self.refused(self.start(configuration, dest, templateDataMap="nope"), 400, 40104)
        self.started(configuration, dest, templateDataMap="{'a': 'b'}", serviceName="Other")
        message = self.server.messages(dest)[-1]
        self.assertEqual(message["text"], f"Other: {message['code']} is your authentication code.")
        self.refused(self.start(configuration, dest, templateId="TMSnope"), 400, 40007)
        self.started(configuration, dest, templateId=sms, templateDataMap="{'NOTE': 'Bye.', 'CODE': 'x'}")
        message = self.server.messages(dest, 2)[-1]
        self.assertIn(message["code"], message["text"])
        self.assertTrue(message["text"].endswith("Bye."), message["text"])

    def test_57_ten_parallel_wrong_checks(self):
        configuration, dest = self.configured(), number()
        vid = self.started(configuration, dest)["authenticationId"]
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: self.check(configuration, authenticationId=vid, code="x").status_code, range(10)))
        self.assertEqual(sorted(answers), [200] * 3 + [429] * 7)

    def test_59_mail(self):
        smtp = self.server.tenants[0]["smtp_setting_id"]
        configuration, dest = self.configured(smtpSettingId=smtp), f"ana{number()}@example.com"
        begun = self.started(configuration, dest, channel="email", templateDataMap="{'sender_email': 'me@my-company.com'}")
        self.assertEqual((begun["channel"], begun["trials"][0]["channel"]), ("email", "email"))
        message = self.server.messages(dest)[-1]
        self.assertEqual((message["channel"], message["from"]), ("email", "me@my-company.com"))
        self.assertEqual(self.check(configuration, dest=dest, code=message["code"]).json()["status"], "passed")
        self.refused(self.start(self.configured(), dest, channel="email"), 400, 40009)
        self.refused(self.start(configuration, number(), channel="email"), 400, 40103)

    def test_what_was_answered_survives_kill_9(self):
        configuration, dest = self.configured(), number()
        vid = self.started(configuration, dest)["authenticationId"]
        code = self.server.code(dest)
        self.assertEqual(self.check(configuration, dest=dest, code="x").json()["status"], "failed")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.check(configuration, dest=dest, code="x").json()["status"], "failed")
        self.assertEqual(self.check(configuration, authenticationId=vid, code=code).json()["status"], "passed")


class Payments(OnServer):
    PAYMENT = "{'payee': 'ACME', 'amount': '1000', 'currency': 'xaf'}"

    def test_47_to_55_payments_and_their_trials(self):
        configuration, dest = self.configured(usedForDigitalPayment="True"), number()
        self.refused(self.start(configuration, dest), 400, 40107)
        first = self.started(configuration, dest, paymentInfo=self.PAYMENT)
        self.assertEqual(first["paymentInfo"], {"payee": "ACME", "amount": 1000, "currency": "xaf"})
        same = self.started(configuration, dest, paymentInfo='{"payee":"ACME","amount":1000.0,"currency":"XAF"}')
        self.assertEqual(same["authenticationId"], first["authenticationId"])
        other = self.started(configuration, dest, paymentInfo="{'payee': 'ACME', 'amount': \"12.50\", 'currency': 'xaf'}")
        self.assertNotEqual(other["authenticationId"], first["authenticationId"])
        self.assertEqual(other["paymentInfo"]["amount"], 12.5)
        messages = self.server.messages(dest, 3)
        self.assertEqual((messages[0]["code"], len({message["code"] for message in messages})), (messages[1]["code"], 2))
        for part in ["ACME", "1000", "xaf"]:
            self.assertIn(part, messages[0]["text"])
        vid, code = first["authenticationId"], messages[0]["code"]
        self.refused(self.check(configuration, authenticationId=vid, code=code), 400, 40107)
        elsewhere = self.PAYMENT.replace("ACME", "EVIL")
        self.assertEqual(self.check(configuration, authenticationId=vid, code=code, paymentInfo=elsewhere).json()["status"], "failed")
        self.refused(self.check(configuration, dest=dest, code=code, paymentInfo=elsewhere), 404, 40016)
        passed = self.check(configuration, dest=dest, code=code, paymentInfo=self.PAYMENT).json()
        self.assertEqual((passed["status"], passed["authenticationId"]), ("passed", vid))
        twice = [("dest", dest), ("channel", "sms"), ("paymentInfo", "payee"), ("paymentInfo", "amount")]
        self.refused(self.server.ask("POST", f"/configurations/{configuration}/authentications", data=twice), 400, 40107)

        stats = lambda query: self.server.ask("GET", f"/authenticationTrialStats?configurationId={configuration}{query}").json()
        counts = ["totalTrials", "numSuccessfulTrials", "numUnsuccessfulTrials", "successRate"]
        self.assertEqual([stats("")[name] for name in counts], [3, 1, 2, 1 / 3])
        self.assertEqual([stats("&country=FR")[name] for name in counts], [0, 0, 0, 0])
        trials = lambda query: self.server.ask("GET", f"/authenticationTrials?configurationId={configuration}{query}").json()
        found = trials("&trialStatus=successful")["authenticationTrials"]
        self.assertEqual((len(found), found[0]["authenticationId"]), (1, vid))
        self.assertEqual(self.server.ask("GET", f"/authenticationTrials/{found[0]['trialId']}").json(), found[0])
        self.assertEqual(found[0]["trialId"], same["trials"][-1]["trialId"], "the latest trial is the one that succeeded")
        self.assertEqual((len(found[0]), type(found[0]["price"]), found[0]["channelInfo"]["status"]), (13, float, "delivered"))
        self.refused(self.server.ask("GET", "/authenticationTrials/TRDx"), 404, 40014)
        self.assertEqual(trials("&country=CM")["totalAuthenticationTrials"], 3)
        self.assertEqual(trials("&country=FR")["totalAuthenticationTrials"], 0)
        self.refused(self.server.ask("GET", "/authenticationTrials?sentAt=soon"), 400, 400)

    def test_52_a_payment_that_nobody_needs_is_left_out(self):
        self.assertIsNone(self.started(self.configured(), number(), paymentInfo=self.PAYMENT)["paymentInfo"])
        self.assertIsNone(self.started(self.configured(), number(), paymentInfo="nope")["paymentInfo"])

    def test_payment_info_as_an_object_in_json(self):
        configuration, dest = self.configured(usedForDigitalPayment="true"), number()
        body = {"dest": dest, "channel": "sms", "paymentInfo": {"payee": "ACME", "amount": 12.50, "currency": "xaf"}}
        answer = self.server.ask("POST", f"/configurations/{configuration}/authentications", json=body)
        self.assertEqual(answer.json()["paymentInfo"], {"payee": "ACME", "amount": 12.5, "currency": "xaf"})

    def test_56_moments_are_compared_and_not_texts(self):
        configuration = self.configured()
        begun = self.started(configuration, number())["trials"][0]["dateCreated"]
        seconds = time.mktime(time.strptime(begun[:19], "%Y-%m-%dT%H:%M:%S"))
        at = lambda more: time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(seconds + 3600 + more)) + "%2B01:00"
        count = lambda query: self.server.ask("GET", f"/authenticationTrials?configurationId={configuration}&{query}").json()["totalAuthenticationTrials"]
        self.assertEqual([count(f"sentAfter={at(-2)}"), count(f"sentAfter={at(2)}")], [1, 0])
        self.assertEqual([count(f"sentBefore={at(-2)}"), count(f"sentBefore={at(2)}")], [0, 1])
        self.assertEqual([count(f"sentAt={begun[:10]}"), count("sentAt=2001-01-01")], [1, 0])
        self.assertEqual(count(f"sentAfter={begun}"), 0, "its own moment is left out")


class Isolation(OnServer):
    def test_another_tenant_s_things_are_unknown(self):
        configuration = self.configured()
        begun = self.started(configuration, number())
        vid, trial = begun["authenticationId"], begun["trials"][0]["trialId"]
        at = f"/configurations/{configuration}"
        for method, path, code in [
            ("GET", at, 40010), ("DELETE", at, 40010), ("GET", f"{at}/authentications", 40010),
            ("GET", f"{at}/authentications/{vid}", 40010), ("GET", f"/authenticationTrials/{trial}", 40014),
        ]:
            self.refused(self.server.ask(method, path, tenant=1), 404, code)
        self.assertEqual(self.server.ask("GET", "/authenticationTrialStats", tenant=1).json()["totalTrials"], 0)
        other = self.configured()
        self.refused(self.server.ask("GET", f"/configurations/{other}/authentications/{vid}"), 404, 40013)

    def test_60_a_list_under_an_unknown_configuration(self):
        self.refused(self.server.ask("GET", "/configurations/CIDnope/authentications"), 404, 40010)
        self.assertTrue(ROOT)
