"""Makes each kind of edit, of each type of value, for a test that looks at what becomes of them."""

import time

import tidegate
from tidegate import Encoded, Level, Mode, Signal


class Probe(tidegate.Processor):
    def configure(self, signal, config):
        plan = tidegate.Plan()
        self.is_logs = signal is Signal.LOGS
        if not self.is_logs:
            return plan
        self.replaced = plan.read('log.attributes["replaced"]')
        self.removed = plan.read('log.attributes["removed"]')
        self.numbers = plan.read('log.attributes["number"]')
        self.printed = plan.read_printed('log.attributes["printed"]')
        self.copied = plan.read_whole('log.attributes["copied"]')
        self.routed = plan.read('log.attributes["routed"]')
        self.times = plan.read("log.time_unix_nano")
        self.any = plan.write("log.attributes[*]")
        self.erased = plan.write('log.attributes["erased"]')
        self.copy = plan.write('log.attributes["copy"]')
        self.severity = plan.write("log.severity_text")
        self.side = plan.route("side")
        return plan

    def process(self, context, batch, edits):
        if not self.is_logs:
            return
        rows = range(batch.count(Level.ITEM))
        for cell in batch.cells(self.replaced):
            edits.replace(cell.id, "in place of " + cell.text)
        for cell in batch.cells(self.removed):
            edits.remove(cell.id)
        for cell in batch.cells(self.numbers):
            value = cell.value
            edits.replace(cell.id, not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value / 2)
        for cell in batch.cells(self.printed):
            edits.replace(cell.id, f"<{cell.text}>")
        for cell in batch.cells(self.copied):
            value = cell.value
            edits.upsert(self.copy, cell.row, value if isinstance(value, Encoded) else value)
        for cell in batch.cells(self.times):
            edits.upsert(self.any, cell.row, str(cell.value), key="time")
        edits.upsert(self.any, rows, 1.5, Mode.INSERT, key="inserted")
        edits.upsert(self.any, rows, True, Mode.UPDATE, key="updated")
        edits.upsert(self.any, rows, b"\x00\xff", key="bytes")
        edits.upsert(self.any, rows, int(time.time() * 1000) == context.now // 1_000_000, key="clock")
        edits.upsert(self.severity, rows, "PROBED")
        edits.erase(self.erased, rows)
        for cell in batch.cells(self.routed):
            edits.route_rows(Level.ITEM, cell.row, self.side)


WitWorld = tidegate.export(Probe)
