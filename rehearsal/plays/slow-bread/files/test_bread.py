"""The bakery's rules: a limit for each day, two loaves for each person, a link that cancels."""

import tempfile
import threading
import unittest
from datetime import date, timedelta
from pathlib import Path

import baker
import bread
import config
from app import app
from gate import Gate
from web import Request

TODAY = date.today()
TOMORROW = TODAY + timedelta(days=1)


class BreadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config.DATA = Path(folder.name)
        baker.gate = Gate(config.DATA, config.BAKER_CODE, "/baker")
        bread.set_up()

    def key(self):
        opened = app.answer(Request("POST", "/baker/code", form={"code": config.BAKER_CODE}))
        return {"gate": opened.headers["Set-Cookie"].split(";")[0].removeprefix("gate=")}

    def fill(self, loaves):
        for n in range(loaves):
            bread.reserve(f"030 555 {n:04}", TOMORROW, 1, TODAY)

    def test_forty_loaves_and_not_one_more(self):
        self.fill(40)
        with self.assertRaises(bread.SoldOut):
            bread.reserve("030 555 9999", TOMORROW, 1, TODAY)

    def test_two_loaves_do_not_fit_where_one_is_left(self):
        self.fill(39)
        with self.assertRaises(bread.SoldOut) as refused:
            bread.reserve("030 555 9999", TOMORROW, 2, TODAY)
        self.assertEqual(refused.exception.left, 1)

    def test_of_ten_people_at_once_one_gets_the_last_loaf(self):
        self.fill(39)
        got, missed = [], []

        def try_it(n):
            try:
                got.append(bread.reserve(f"040 555 {n:04}", TOMORROW, 1, TODAY))
            except bread.SoldOut:
                missed.append(n)

        threads = [threading.Thread(target=try_it, args=(n,)) for n in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual((len(got), len(missed)), (1, 9))

    def test_two_for_each_person_however_the_number_is_written(self):
        bread.reserve("0171 5550 199", TOMORROW, 2, TODAY)
        with self.assertRaises(bread.EnoughAlready):
            bread.reserve("+49 171/5550199", TOMORROW, 1, TODAY)

    def test_the_limit_of_one_day_goes_before_the_usual_one(self):
        bread.set_limit(None, 30)
        bread.set_limit(TOMORROW, 5)
        self.assertEqual(bread.overview(TOMORROW)[0], 5)
        self.assertEqual(bread.overview(TOMORROW + timedelta(days=1))[0], 30)
        bread.set_limit(TOMORROW, None)
        self.assertEqual(bread.overview(TOMORROW)[0], 30)

    def test_lowering_the_limit_takes_nobodys_bread(self):
        self.fill(10)
        bread.set_limit(TOMORROW, 5)
        self.assertEqual(bread.overview(TOMORROW), (5, 10))

    def test_looking_at_the_cancel_link_cancels_nothing(self):
        token = bread.reserve("030 555 0101", TOMORROW, 1, TODAY)
        app.answer(Request("GET", f"/cancel/{token}"))
        self.assertIsNotNone(bread.reservation(token))
        app.answer(Request("POST", f"/cancel/{token}"))
        self.assertIsNone(bread.reservation(token))

    def test_nobody_but_the_baker_sees_a_phone_number(self):
        bread.reserve("030 555 0101", TOMORROW, 1, TODAY)
        self.assertNotIn("0101", app.answer(Request("GET", "/baker")).body)
        self.assertIn("030 555 0101", app.answer(Request("GET", "/baker", cookies=self.key())).body)

    def test_nobody_but_the_baker_changes_the_limit(self):
        answer = app.answer(Request("POST", "/baker/limit", form={"loaves": "0", "scope": "every"}))
        self.assertEqual(answer.status, 403)
        self.assertEqual(bread.overview(TOMORROW)[0], 40)

    def test_phone_numbers_go_after_thirty_days_and_the_loaves_stay(self):
        bread.reserve("030 555 0101", TOMORROW, 2, TODAY)
        bread.forget(TOMORROW + timedelta(days=30))
        self.assertEqual(bread.list_for(TOMORROW)[0]["phone"], "030 555 0101")
        bread.forget(TOMORROW + timedelta(days=31))
        self.assertEqual(bread.list_for(TOMORROW)[0]["phone"], "")
        self.assertEqual(bread.overview(TOMORROW)[1], 2)

    def test_a_wrong_form_keeps_what_was_typed(self):
        form = {"phone": "0171 5550199", "day": "someday", "loaves": "3"}
        answer = app.answer(Request("POST", "/", form=form))
        self.assertEqual(answer.status, 422)
        self.assertIn("0171 5550199", answer.body)


if __name__ == "__main__":
    unittest.main()
