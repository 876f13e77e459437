"""Borrowing, as the shop means it."""

import tempfile
import threading
import unittest
from datetime import date, timedelta
from pathlib import Path

import borrowing
import config
import shelf

TODAY = date.today()


def answers(days=3, name="Jonas Weber", phone="0171 555 0101"):
    return {"name": name, "phone": phone, "due": (TODAY + timedelta(days=days)).isoformat()}


class BorrowingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config.DATA = Path(folder.name)
        self.addCleanup(setattr, config, "BORROWER", config.BORROWER)
        shelf.set_up()
        self.drill = shelf.tools()[0]["id"]

    def test_a_borrowed_tool_is_out(self):
        borrowing.borrow(self.drill, answers(), TODAY)
        self.assertIsNotNone(borrowing.current_loan(self.drill))

    def test_a_late_tool_is_still_out(self):
        borrowing.borrow(self.drill, answers(days=-4), TODAY - timedelta(days=10))
        self.assertIsNotNone(borrowing.current_loan(self.drill))

    def test_a_returned_tool_is_free_and_the_name_is_forgotten(self):
        token = borrowing.borrow(self.drill, answers(), TODAY)
        borrowing.bring_back(borrowing.loan(token)["id"], TODAY)
        self.assertIsNone(borrowing.current_loan(self.drill))
        self.assertEqual(borrowing.loan(token)["borrower"], "")

    def test_of_eight_people_at_once_exactly_one_gets_the_tool(self):
        got, missed = [], []
        threads = [threading.Thread(target=self.try_to_borrow, args=(got, missed)) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual((len(got), len(missed)), (1, 7))

    def try_to_borrow(self, got, missed):
        try:
            got.append(borrowing.borrow(self.drill, answers(), TODAY))
        except borrowing.AlreadyOut:
            missed.append(True)

    def test_nobody_keeps_a_tool_for_longer_than_a_week(self):
        self.assertIn("due", borrowing.problems(answers(days=8), TODAY))
        self.assertEqual(borrowing.problems(answers(days=7), TODAY), {})

    def test_a_name_and_a_number_are_asked_for_when_the_shop_wants_both(self):
        config.BORROWER = "name_and_phone"
        self.assertEqual(set(borrowing.problems(answers(name="", phone="12"), TODAY)), {"name", "phone"})

    def test_only_a_name_is_kept_when_that_is_all_the_shop_wants(self):
        config.BORROWER = "name_only"
        token = borrowing.borrow(self.drill, answers(phone="0171 555 0101"), TODAY)
        self.assertEqual(borrowing.loan(token)["phone"], "")

    def test_a_pickup_word_stands_in_for_the_name_when_nobody_is_asked(self):
        config.BORROWER = "pickup_word"
        self.assertEqual(borrowing.problems(answers(name="", phone=""), TODAY), {})
        token = borrowing.borrow(self.drill, answers(name=""), TODAY)
        self.assertRegex(borrowing.loan(token)["borrower"], r"^[a-z]+ [a-z]+$")


if __name__ == "__main__":
    unittest.main()
