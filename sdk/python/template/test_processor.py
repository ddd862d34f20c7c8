import json
import pathlib
import unittest

from processor import Masks

from tidegate import Error
from tidegate.testing import Tester

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


class MasksTest(unittest.TestCase):
    def test_masks_what_the_pattern_finds(self):
        masks = Tester(Masks, "logs", {"pattern": "password=[^ ]+", "mask": "password=***"})
        after = masks.process_file(FIXTURES / "logs.json")
        self.assertEqual(after, json.loads((FIXTURES / "logs.expected.json").read_text()))
        self.assertEqual(masks.counts, {"masked": 1})

    def test_a_pattern_of_nothing_is_refused(self):
        with self.assertRaisesRegex(Error, "^pattern: has to be a regular expression$"):
            Tester(Masks, "logs", {"pattern": ""})
