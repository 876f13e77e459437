"""The lists, as somebody uses them."""

import tempfile
import unittest
from pathlib import Path

import records
import rules
from app import app
from web import Request

BRIEF = {
    "project": "Choir",
    "goal": "Sing",
    "promises": ["a list of singers with name and voice", "filter by voice", "mark a singer as present or absent", "moods"],
}


class ListsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        records.DATA = Path(folder.name)
        self.addCleanup(setattr, records, "plan", records.plan)
        self.use(["make it green"])

    def use(self, messages, order="newest_first"):
        plan = rules.plan_of(BRIEF, messages, order)
        records.plan = lambda: plan

    def add(self, name, voice=""):
        return app.answer(Request("POST", "/lists/singer", form={"name": name, "voice": voice}))

    def page(self, path="/lists/singer", **query):
        return app.answer(Request("GET", path, query=query))

    def test_what_is_added_is_on_the_list(self):
        self.assertEqual(self.add("Ada", "alto").status, 303)
        self.assertIn("<h3>Ada</h3>", self.page().body)
        self.assertIn('<strong id="count">1</strong> singer', self.page().body)

    def test_typed_markup_is_shown_as_text(self):
        self.add("<script>alert(1)</script>")
        self.assertNotIn("<script>", self.page().body)
        self.assertIn("&lt;script&gt;", self.page().body)

    def test_an_empty_form_is_refused_and_loses_nothing(self):
        answer = self.add("   ", "alto")
        self.assertEqual(answer.status, 422)
        self.assertIn("Please fill in: name.", answer.body)
        self.assertIn('value="alto"', answer.body)

    def test_a_filter_shows_what_fits(self):
        self.add("Ada", "alto")
        self.add("Ben", "bass")
        found = self.page(by_voice="bass").body
        self.assertIn("<h3>Ben</h3>", found)
        self.assertNotIn("<h3>Ada</h3>", found)

    def test_a_state_can_be_changed_and_only_to_one_that_there_is(self):
        self.add("Ada")
        (entry,) = records.entries(records.plan()["lists"][0])
        path = f"/lists/singer/{entry.id}/state"
        self.assertEqual(app.answer(Request("POST", path, form={"state": "absent"})).status, 303)
        self.assertIn('data-state="absent">1 absent', self.page().body)
        self.assertEqual(app.answer(Request("POST", path, form={"state": "ill"})).status, 422)

    def test_the_order_is_the_one_that_was_chosen(self):
        self.add("Ada")
        self.add("Zoe")
        self.assertLess(self.page().body.index("Zoe"), self.page().body.index("Ada"))
        self.use([], "by_name")
        self.assertLess(self.page().body.index("Ada"), self.page().body.index("Zoe"))

    def test_a_list_nobody_asked_for_does_not_exist(self):
        self.assertEqual(self.page("/lists/dragon").status, 404)

    def test_the_first_page_says_what_is_not_built_and_what_came_of_each_message(self):
        self.use(["make it green", "Sing to me."])
        front = self.page("/").body
        self.assertIn("<li>moods</li>", front)
        self.assertIn('class="in-green"', front)
        self.assertIn("A script cannot do this", front)


if __name__ == "__main__":
    unittest.main()
