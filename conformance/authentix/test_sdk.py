"""All thirteen operations through the vendor's SDK, synchronously and asynchronously. Only the base URL is changed."""

import asyncio
from datetime import datetime, timedelta, timezone

from talkylabs.reach.base.exceptions import ReachException, ReachRestException
from talkylabs.reach.http.async_http_client import AsyncReachHttpClient
from talkylabs.reach.rest import ReachClient

from stage import OnServer, number


class Synchronous(OnServer):
    def client(self, tenant=0):
        of = self.server.tenants[tenant]
        client = ReachClient(of["api_user"], of["api_key"])
        client.api.base_url = self.server.url
        return client.authentix

    def fails(self, status, code, call):
        with self.assertRaises(ReachRestException) as caught:
            call()
        self.assertEqual((caught.exception.status, caught.exception.code), (status, code))
        self.assertTrue(caught.exception.msg)

    def test_the_vendors_own_walk(self):
        api, dest = self.client(), number()
        conf = api.configuration_items.create(service_name=f"Shop {dest}", allow_custom_code=True)
        scope = api.configuration_items(conf.configurationId)
        begun = scope.authentication_items.start(dest=dest, channel="sms", custom_code="481516")
        self.assertEqual((begun.status, len(begun.trials)), ("awaiting", 1))
        self.assertEqual(begun.dateCreated.utcoffset(), timedelta(0))
        control = scope.authentication_control_items
        self.assertEqual(control.check(dest=dest, code="000000").status, "failed")
        self.assertEqual(control.check(authentication_id=begun.authenticationId, code="481516").status, "passed")
        self.fails(404, 40016, lambda: control.check(authentication_id=begun.authenticationId, code="481516"))
        self.assertIs(scope.delete(), True)
        self.fails(404, 40010, scope.fetch)

    def test_configurations(self):
        api, name = self.client(1), f"Svc {number()}"
        made = [api.configuration_items.create(service_name=f"{name} {n}", code_length=6, default_expiry_time=5) for n in range(5)]
        ids = [item.configurationId for item in reversed(made)]
        listed = api.configuration_items.list(page_size=2)
        self.assertEqual([item.configurationId for item in listed], ids, "five over three pages, newest first")
        self.assertEqual(len(api.configuration_items.list(limit=3)), 3)
        self.assertEqual([item.configurationId for item in api.configuration_items.stream(page_size=1)], ids)
        page = api.configuration_items.page(page_size=2, page_number=1)
        self.assertEqual([item.configurationId for item in page], ids[2:4])
        changed = api.configuration_items(ids[0]).update(service_name=f"{name} x", used_for_digital_payment=True)
        self.assertEqual((changed.serviceName, changed.usedForDigitalPayment, changed.codeLength), (f"{name} x", True, 6))
        self.assertEqual(api.configuration_items(ids[0]).fetch().serviceName, f"{name} x")
        self.fails(400, 40011, lambda: api.configuration_items(ids[0]).update(code_length=6))
        self.fails(400, 40006, lambda: api.configuration_items.create(service_name=f"{name} 1"))
        self.fails(400, 40003, lambda: api.configuration_items.create(service_name="x", code_length=3))
        self.fails(404, 40010, lambda: self.client(0).configuration_items(ids[0]).fetch())

    def test_authentications(self):
        api = self.client()
        scope = api.configuration_items(self.configured())
        begun = [scope.authentication_items.start(dest=number(), channel="sms") for _ in range(3)]
        ids = [item.authenticationId for item in reversed(begun)]
        self.assertEqual([item.authenticationId for item in scope.authentication_items.list(page_size=2)], ids)
        self.assertEqual(scope.authentication_items(ids[0]).fetch().status, "awaiting")
        self.assertEqual(scope.authentication_items(ids[0]).update(status="canceled").status, "canceled")
        self.assertEqual(scope.authentication_items(ids[1]).update(status="passed").status, "passed")
        self.assertEqual([item.authenticationId for item in scope.authentication_items.list()], ids[2:])
        self.fails(404, 40016, lambda: scope.authentication_items(ids[0]).update(status="passed"))
        self.fails(404, 40013, lambda: scope.authentication_items("VIDnope").fetch())
        self.fails(400, 40102, lambda: scope.authentication_items.start(dest=number(), channel="voice"))
        with self.assertRaises(ReachException) as caught:
            api.configuration_items("CIDnope").authentication_items.list()
        self.assertNotIsInstance(caught.exception, ReachRestException, "the SDK's own way with lists")

    def test_payments(self):
        api, dest = self.client(), number()
        scope = api.configuration_items(self.configured(usedForDigitalPayment="true"))
        payment = "{'payee': 'ACME', 'amount': '1000', 'currency': 'xaf'}"
        begun = scope.authentication_items.start(dest=dest, channel="sms", payment_info=payment)
        self.assertEqual(begun.paymentInfo, {"payee": "ACME", "amount": 1000, "currency": "xaf"})
        # A dict by mistake is sent as a repeated key.
        self.fails(400, 40107, lambda: scope.authentication_items.start(dest=dest, channel="sms", payment_info={"payee": "x", "amount": 1}))
        passed = scope.authentication_control_items.check(dest=dest, code=self.server.code(dest), payment_info=payment)
        self.assertEqual((passed.status, passed.paymentInfo["amount"]), ("passed", 1000))

    def test_trials_and_statistics(self):
        api, dest = self.client(), number()
        configuration = self.configured()
        scope = api.configuration_items(configuration)
        for _ in range(3):
            scope.authentication_items.start(dest=dest, channel="sms")
        scope.authentication_control_items.check(dest=dest, code=self.server.code(dest, 3))
        trials = api.authentication_trial_items
        self.assertEqual(len(trials.list(configuration_id=configuration, page_size=2)), 3)
        won = trials.list(dest=dest, trial_status="successful", channel="sms", country="CM")
        self.assertEqual(len(won), 1)
        fetched = trials(won[0].trialId).fetch()
        self.assertEqual((fetched.trialStatus, float(fetched.price), fetched.priceUnit), ("successful", 0.0, "eur"))
        self.fails(404, 40014, lambda: trials("TRDnope").fetch())
        soon = datetime.now(timezone.utc) + timedelta(days=400)
        self.assertEqual(trials.list(configuration_id=configuration, sent_after=soon), [])
        self.assertEqual(len(trials.list(configuration_id=configuration, sent_before=soon)), 3)
        stats = api.authentication_trial_stat_items().fetch(configuration_id=configuration)
        self.assertEqual((stats.totalTrials, stats.numSuccessfulTrials, stats.numUnsuccessfulTrials), (3, 1, 2))
        self.assertAlmostEqual(float(stats.successRate), 1 / 3)

    def test_wrong_credentials(self):
        client = ReachClient("dev", "wrong")
        client.api.base_url = self.server.url
        self.fails(401, 20003, lambda: client.authentix.configuration_items.create(service_name="x"))


class Asynchronous(OnServer):
    """The twins that end in `_async`."""

    def test_all_thirteen(self):
        asyncio.run(self.walk())

    async def fails(self, status, code, call):
        with self.assertRaises(ReachRestException) as caught:
            await call
        self.assertEqual((caught.exception.status, caught.exception.code), (status, code))

    async def walk(self):
        of, http = self.server.tenants[0], AsyncReachHttpClient()
        client = ReachClient(of["api_user"], of["api_key"], http_client=http)
        client.api.base_url = self.server.url
        api, dest = client.authentix, number()
        try:
            made = [await api.configuration_items.create_async(service_name=f"Async {dest} {n}") for n in range(3)]
            ids = [item.configurationId for item in reversed(made)]
            self.assertEqual([item.configurationId for item in await api.configuration_items.list_async(page_size=2)], ids)
            streamed = await api.configuration_items.stream_async(page_size=1)
            self.assertEqual([item.configurationId async for item in streamed], ids)
            scope = api.configuration_items(ids[0])
            self.assertEqual((await scope.fetch_async()).serviceName, f"Async {dest} 2")
            self.assertIs((await scope.update_async(allow_custom_code=True)).allowCustomCode, True)
            begun = await scope.authentication_items.start_async(dest=dest, channel="sms", custom_code="481516")
            self.assertEqual(len(await scope.authentication_items.list_async()), 1)
            context = scope.authentication_items(begun.authenticationId)
            self.assertEqual((await context.fetch_async()).status, "awaiting")
            control = scope.authentication_control_items
            self.assertEqual((await control.check_async(dest=dest, code="0000")).status, "failed")
            self.assertEqual((await control.check_async(dest=dest, code="481516")).status, "passed")
            await self.fails(404, 40016, context.update_async(status="canceled"))
            won = await api.authentication_trial_items.list_async(configuration_id=ids[0])
            self.assertEqual([trial.trialStatus for trial in won], ["successful"])
            self.assertEqual((await api.authentication_trial_items(won[0].trialId).fetch_async()).channel, "sms")
            stats = await api.authentication_trial_stat_items().fetch_async(configuration_id=ids[0])
            self.assertEqual((stats.totalTrials, float(stats.successRate)), (1, 1.0))
            self.assertIs(await scope.delete_async(), True)
            await self.fails(404, 40010, scope.fetch_async())
        finally:
            await http.session.close()
