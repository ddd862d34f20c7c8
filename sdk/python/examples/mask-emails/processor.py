"""Masks e-mail addresses in all texts, says how many in an attribute, and drops what is marked to be dropped."""

from dataclasses import dataclass

import tidegate
from tidegate import Level, Signal

# What stands in angle brackets overlaps with the address in it.
EMAILS = [r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}", r"<[^<>@\s]+@[^<>@\s]+>"]
CONTEXTS = {Signal.LOGS: "log", Signal.TRACES: "span", Signal.METRICS: "datapoint"}
MORE = {Signal.LOGS: "log.body[**]", Signal.TRACES: "spanevent.attributes[**]"}


@dataclass
class Config:
    """What the operator writes."""

    mask: str = "[email]"
    keep_domain: bool = False


class MaskEmails(tidegate.Processor):
    Config = Config

    def configure(self, signal, config):
        if not config.mask:
            raise tidegate.Error.at("mask", "has to be a text of one character or more")
        self.config = config
        plan = tidegate.Plan()
        context = CONTEXTS[signal]
        self.resources = self.masked(plan, "resource.attributes[**]")
        # The reads of texts, and the level of their rows.
        self.texts = [(self.masked(plan, f"{context}.attributes[**]"), Level.ITEM)]
        if signal in MORE:
            self.texts.append((self.masked(plan, MORE[signal]), Level.EVENT if signal is Signal.TRACES else Level.ITEM))
        self.drops = plan.read_matching(f'{context}.attributes["drop"]', ["^yes$"])
        self.mark = plan.write(f'{context}.attributes["masked"]')
        plan.drop_rows()
        tidegate.log.info(f"masks e-mail addresses with {config.mask}")
        return plan

    @staticmethod
    def masked(plan, path):
        plan.write(path)
        return plan.read_matching(path, EMAILS)

    def process(self, context, batch, edits):
        with_ = edits.text(self.config.mask)
        dropped = set()
        for cell in batch.cells(self.drops):
            dropped.add(cell.row)
            edits.drop_rows(Level.ITEM, cell.row)
        total = sum(self.mask(edits, with_, cell) for cell in batch.cells(self.resources))
        counts = {}
        for read, level in self.texts:
            for cell in batch.cells(read):
                item = batch.ancestor(level, cell.row, Level.ITEM)
                # What is dropped must not be edited.
                if item not in dropped:
                    counts[item] = counts.get(item, 0) + self.mask(edits, with_, cell)
        for item in sorted(counts):
            edits.upsert(self.mark, item, counts[item])
            total += counts[item]
        if total:
            tidegate.counters.add("masked", total)
        if dropped:
            tidegate.log.info(f"dropped {len(dropped)} items")

    def mask(self, edits, with_, cell):
        """Masks the addresses in a cell, and says how many."""
        parts = cell.parts()
        for start, end in parts:
            if self.config.keep_domain:
                end = cell.contents.index(b"@", start, end)
            edits.splice(cell.id, (start, end), with_)
        return len(parts)


WitWorld = tidegate.export(MaskEmails)
