"""The lists, as somebody uses them."""

import tempfile
import unittest
from pathlib import Path

import lists
from app import app
from web import Request


class ListsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        lists.DATA = Path(folder.name)
        lists.set_up()

    def add(self, what, note=""):
        return app.answer(Request("POST", "/lists/1", form={"what": what, "note": note}))

    def page(self, path="/lists/1"):
        return app.answer(Request("GET", path))

    def test_what_is_added_is_on_the_list(self):
        self.assertEqual(self.add("Ask the neighbours").status, 303)
        self.assertIn("Ask the neighbours", self.page().body)

    def test_typed_markup_is_shown_as_text(self):
        self.add("<script>alert(1)</script>")
        self.assertNotIn("<script>", self.page().body)
        self.assertIn("&lt;script&gt;", self.page().body)

    def test_an_empty_form_is_refused_and_says_why(self):
        answer = self.add("   ", "still here")
        self.assertEqual(answer.status, 422)
        self.assertIn("Please say what it is.", answer.body)
        self.assertIn("still here", answer.body)

    def test_done_can_be_undone(self):
        self.add("Paint the sign")
        entry = lists.entries(1)[0]["id"]
        lists.tick(entry)
        self.assertEqual(lists.open_counts(), {})
        lists.tick(entry)
        self.assertEqual(lists.open_counts(), {1: 1})

    def test_a_list_nobody_promised_does_not_exist(self):
        self.assertEqual(self.page(f"/lists/{len(lists.titles()) + 1}").status, 404)
        self.assertEqual(self.page("/lists/one").status, 404)

    def test_every_list_can_be_reached_from_the_front(self):
        front = self.page("/").body
        for number in range(1, len(lists.titles()) + 1):
            self.assertIn(f'href="/lists/{number}"', front)


if __name__ == "__main__":
    unittest.main()
