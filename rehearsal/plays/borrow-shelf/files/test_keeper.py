"""Marta's list is hers, and it tells the truth."""

import tempfile
import unittest
from datetime import date, timedelta
from pathlib import Path

import borrowing
import config
import keeper
import shelf
from app import app
from gate import Gate
from web import Request


class KeeperTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config.DATA = Path(folder.name)
        keeper.gate = Gate(config.DATA, config.KEEPER_CODE, "/keeper")
        shelf.set_up()
        self.addCleanup(setattr, config, "BORROWER", config.BORROWER)
        config.BORROWER = "name_and_phone"

    def key(self):
        opened = app.answer(Request("POST", "/keeper/code", form={"code": config.KEEPER_CODE}))
        return {"gate": opened.headers["Set-Cookie"].split(";")[0].removeprefix("gate=")}

    def lend(self, days_ago):
        taken = date.today() - timedelta(days=days_ago)
        tool = shelf.tools()[0]["id"]
        answers = {
            "name": "Ines <b>Ott</b>",
            "phone": "030 555 0142",
            "due": (taken + timedelta(days=2)).isoformat(),
        }
        return borrowing.loan(borrowing.borrow(tool, answers, taken))

    def test_without_the_code_nobody_sees_a_name(self):
        self.lend(0)
        answer = app.answer(Request("GET", "/keeper"))
        self.assertNotIn("Ines", answer.body)

    def test_a_wrong_code_opens_nothing(self):
        answer = app.answer(Request("POST", "/keeper/code", form={"code": "guess"}))
        self.assertEqual(answer.status, 403)

    def test_ten_wrong_codes_and_nobody_guesses_on(self):
        for _ in range(10):
            app.answer(Request("POST", "/keeper/code", form={"code": "guess"}))
        answer = app.answer(Request("POST", "/keeper/code", form={"code": config.KEEPER_CODE}))
        self.assertEqual(answer.status, 429)

    def test_the_list_names_the_borrower_and_how_late_the_tool_is(self):
        self.lend(5)
        answer = app.answer(Request("GET", "/keeper", cookies=self.key()))
        self.assertIn("Ines &lt;b&gt;Ott&lt;/b&gt;", answer.body)
        self.assertIn("3 days late", answer.body)

    def test_one_tap_puts_a_tool_back(self):
        loan = self.lend(0)
        app.answer(Request("POST", f"/keeper/back/{loan['id']}", cookies=self.key()))
        self.assertEqual(borrowing.out_now(), [])

    def test_nobody_else_can_put_a_tool_back(self):
        loan = self.lend(0)
        answer = app.answer(Request("POST", f"/keeper/back/{loan['id']}"))
        self.assertEqual(answer.status, 403)
        self.assertEqual(len(borrowing.out_now()), 1)


if __name__ == "__main__":
    unittest.main()
