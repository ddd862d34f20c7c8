"""The sample by itself, on the cases that it has to pass in a host, too."""

import json
import pathlib
import unittest

from processor import MaskEmails

from tidegate import Error
from tidegate.testing import Tester

CASES = pathlib.Path(__file__).parents[4] / "tests/conformance/cases"


class MaskEmailsTest(unittest.TestCase):
    def test_it_does_what_it_does_in_a_host(self):
        for path in CASES.glob("*.json"):
            with self.subTest(path.stem):
                case = json.loads(path.read_text())
                after = Tester(MaskEmails, case["signal"], case["config"]).process(case["in"])
                # A request of which nothing is left is not delivered.
                self.assertEqual(after, case["out"] or {name: [] for name in after})

    def test_it_says_which_key_is_wrong(self):
        with self.assertRaisesRegex(Error, "^maks: no such key; there is mask, keep_domain$"):
            Tester(MaskEmails, "logs", {"maks": ""})

    def test_it_counts_and_tells(self):
        tester = Tester(MaskEmails, "logs")
        tester.process(json.loads((CASES / "dropped.json").read_text())["in"])
        self.assertEqual(tester.counts, {"masked": 3})
        self.assertIn(("info", "dropped 5 items"), tester.lines)
