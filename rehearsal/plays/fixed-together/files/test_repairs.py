"""The café's rules: four for a slot, the nearest free time, names gone after thirty days."""

import tempfile
import threading
import unittest
from datetime import date, datetime, timedelta
from pathlib import Path

import config
import repairs
import volunteers
from app import app
from gate import Gate
from web import Request

NOW = datetime(2026, 3, 4, 18, 0)
SATURDAY = date(2026, 3, 7)
FORM = {
    "item": "Mixer",
    "fault": "Smells burnt",
    "skill": "electrical",
    "photo": "https://example.org/mixer.jpg",
    "name": "Lena <i>Kurz</i>",
    "phone": "0176 555 0123",
    "slot": "10:00",
}


class RepairsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config.DATA = Path(folder.name)
        volunteers.gate = Gate(config.DATA, config.VOLUNTEER_CODE, "/volunteers")
        repairs.set_up()

    def book(self, **changes):
        return repairs.request(repairs.book({**FORM, **changes}, SATURDAY, NOW.date()))

    def key(self):
        opened = app.answer(Request("POST", "/volunteers/code", form={"code": config.VOLUNTEER_CODE}))
        return {"gate": opened.headers["Set-Cookie"].split(";")[0].removeprefix("gate=")}

    def test_a_fifth_request_for_a_slot_is_refused(self):
        for _ in range(4):
            self.book()
        with self.assertRaises(repairs.SlotFull):
            self.book()

    def test_of_twelve_people_at_once_four_get_the_slot(self):
        got, missed = [], []

        def try_it():
            try:
                got.append(self.book())
            except repairs.SlotFull:
                missed.append(True)

        threads = [threading.Thread(target=try_it) for _ in range(12)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual((len(got), len(missed)), (4, 8))

    def test_the_next_free_time_is_offered(self):
        for slot in ("10:00", "10:20"):
            for _ in range(4):
                self.book(slot=slot)
        self.assertEqual(repairs.next_free(SATURDAY, "10:00"), "10:40")

    def test_after_the_last_time_the_first_free_one_is_offered(self):
        self.assertEqual(repairs.next_free(SATURDAY, repairs.slots()[-1]), "10:00")

    def test_once_the_doors_are_open_the_next_saturday_is_booked(self):
        self.assertEqual(repairs.next_saturday(NOW), SATURDAY)
        self.assertEqual(repairs.next_saturday(datetime(2026, 3, 7, 9, 59)), SATURDAY)
        self.assertEqual(repairs.next_saturday(datetime(2026, 3, 7, 10, 0)), SATURDAY + timedelta(days=7))

    def test_on_saturday_the_volunteers_still_see_what_comes_today(self):
        self.assertEqual(repairs.cafes(NOW), [SATURDAY])
        self.assertEqual(repairs.cafes(datetime(2026, 3, 7, 12, 0)), [SATURDAY, SATURDAY + timedelta(days=7)])

    def test_names_go_after_thirty_days_and_the_counts_stay(self):
        repairs.mark(self.book()["id"], "fixed")
        repairs.forget(NOW.date() + timedelta(days=30))
        self.assertEqual(repairs.by_skill(SATURDAY)["electrical"][0]["name"], FORM["name"])
        repairs.forget(NOW.date() + timedelta(days=31))
        row = repairs.by_skill(SATURDAY)["electrical"][0]
        self.assertEqual((row["name"], row["phone"], row["photo"]), ("", "", ""))
        self.assertEqual(repairs.counts()["fixed"], 1)

    def test_a_photo_link_must_be_a_web_address(self):
        self.assertIn("photo", repairs.problems({**FORM, "photo": "javascript:alert(1)"}))
        self.assertEqual(repairs.problems({**FORM, "photo": ""}), {})

    def test_without_the_code_nobody_sees_or_changes_anything(self):
        made = self.book()
        self.assertNotIn("Mixer", app.answer(Request("GET", "/volunteers")).body)
        self.assertEqual(app.answer(Request("POST", f"/volunteers/{made['id']}/fixed")).status, 403)

    def test_one_tap_marks_and_a_second_takes_it_back(self):
        made = self.book()
        app.answer(Request("POST", f"/volunteers/{made['id']}/come_back", cookies=self.key()))
        self.assertEqual(repairs.counts()["come_back"], 1)
        app.answer(Request("POST", f"/volunteers/{made['id']}/waiting", cookies=self.key()))
        self.assertEqual(repairs.counts()["waiting"], 1)

    def test_a_full_form_keeps_what_was_typed(self):
        answer = app.answer(Request("POST", "/bring", form={**FORM, "phone": "12"}))
        self.assertEqual(answer.status, 422)
        self.assertIn("Lena &lt;i&gt;Kurz&lt;/i&gt;", answer.body)


if __name__ == "__main__":
    unittest.main()
