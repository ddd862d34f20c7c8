"""The stand-in for the host keeps to the contract: `PYTHONPATH=sdk/python python3 -m unittest discover sdk/python/tests`."""

import unittest

import tidegate
from tidegate import Error, Level, Mode
from tidegate.testing import Tester


def text(value):
    return {"stringValue": value}


def request(*records):
    logs = [{"body": text(body), "attributes": [{"key": k, "value": v} for k, v in attributes.items()]} for body, attributes in records]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}


def attributes(after, row=0):
    record = after["resourceLogs"][0]["scopeLogs"][0]["logRecords"][row]
    return {pair["key"]: pair["value"] for pair in record["attributes"]}


class Probe(tidegate.Processor):
    """Does what a test gives it to do."""

    def __init__(self, plan, process):
        self.plan, self.told = plan, process

    def configure(self, signal, config):
        plan = tidegate.Plan()
        self.asked = self.plan(plan)
        return plan

    def process(self, context, batch, edits):
        self.told(self.asked, batch, edits)


def tester(plan, process):
    class Told(Probe):
        def __init__(self):
            super().__init__(plan, process)

    return Tester(Told, "logs", now=7)


class HelperTest(unittest.TestCase):
    def test_an_upsert_writes_by_its_mode(self):
        def process(write, batch, edits):
            rows = range(batch.count(Level.ITEM))
            edits.upsert(write, rows, 1, Mode.INSERT, key="a")
            edits.upsert(write, rows, 2.5, Mode.UPDATE, key="b")
            edits.upsert(write, rows, True, key="c")
            edits.erase(write, rows, key="d")

        after = tester(lambda plan: plan.write("log.attributes[*]"), process).process(
            request(("x", {"a": text("mine")}), ("y", {"b": text("old"), "d": text("gone")}))
        )
        self.assertEqual(attributes(after), {"a": text("mine"), "c": {"boolValue": True}})
        self.assertEqual(
            attributes(after, 1), {"b": {"doubleValue": 2.5}, "a": {"intValue": "1"}, "c": {"boolValue": True}}
        )

    def test_a_removed_attribute_takes_what_is_in_it(self):
        def plan(plan):
            plan.write("log.attributes[**]")
            return plan.read("log.attributes[**]")

        def process(read, batch, edits):
            cells = list(batch.cells(read))
            keys = [cell for cell in cells if cell.is_key]
            edits.remove(keys[0].id)
            for cell in cells:
                if not cell.is_key and cell.within != 0 and keys[cell.within].within != 0:
                    edits.replace(cell.id, "seen")

        inner = {"kvlistValue": {"values": [{"key": "deep", "value": text("x")}]}}
        self.assertEqual(attributes(tester(plan, process).process(request(("x", {"a": inner, "b": text("y")})))), {"b": text("seen")})

    def test_what_is_printed_is_text_and_is_replaced_whole(self):
        def plan(plan):
            plan.write("log.attributes[*]")
            return plan.read_printed("log.attributes[*]")

        def process(read, batch, edits):
            for cell in batch.cells(read):
                edits.replace(cell.id, f"<{cell.text}>")

        values = {"i": {"intValue": "7"}, "d": {"doubleValue": 5.0}, "e": {"doubleValue": 0.5}, "b": {"boolValue": True}, "t": text("x")}
        after = attributes(tester(plan, process).process(request(("x", values))))
        self.assertEqual(after, {key: text(value) for key, value in zip("idebt", ("<7>", "<5>", "<0.5>", "<true>", "<x>"))})

    def test_rows_are_routed(self):
        def process(route, batch, edits):
            edits.route_rows(Level.ITEM, 1, route)

        one = tester(lambda plan: plan.route("side"), process)
        one.process(request(("x", {}), ("y", {})))
        self.assertEqual(one.routes, [(Level.ITEM, 1, "side")])

    def test_what_a_host_would_refuse_is_refused(self):
        def reads(plan):
            return plan.read("log.body")

        def writes(plan):
            plan.write("log.body")
            plan.drop_rows()
            return reads(plan)

        def outside(read, batch, edits):
            edits.replace(next(iter(batch.cells(read))).id, "x")

        def overlapping(read, batch, edits):
            for part in ((0, 3), (2, 4)):
                edits.splice(next(iter(batch.cells(read))).id, part, "x")

        def half(read, batch, edits):
            edits.splice(next(iter(batch.cells(read))).id, (0, 1), "x")

        def dropped(read, batch, edits):
            edits.drop_rows(Level.ITEM, 0)
            outside(read, batch, edits)

        def twice(read, batch, edits):
            outside(read, batch, edits)
            outside(read, batch, edits)

        for plan, process, told in (
            (reads, outside, "outside the plan's writes"), (writes, overlapping, "two splices overlap"),
            (writes, half, "within a character"), (writes, dropped, "another edit drops"), (writes, twice, "two edits of one cell"),
        ):
            with self.subTest(told), self.assertRaisesRegex(Error, told):
                tester(plan, process).process(request(("éxyz", {})))
