"""Masks what a pattern finds in the bodies of log records."""

from dataclasses import dataclass

import tidegate
from tidegate import Pattern


@dataclass
class Config:
    """What the operator writes under `config`."""

    pattern: str
    mask: str = "***"


class Masks(tidegate.Processor):
    Config = Config

    def configure(self, signal, config):
        if not config.pattern:
            raise tidegate.Error.at("pattern", "has to be a regular expression")
        self.mask = config.mask
        plan = tidegate.Plan()
        if signal is tidegate.Signal.LOGS:
            self.body = plan.read_matching("log.body", [Pattern(config.pattern, name="pattern")])
            plan.write("log.body")
        return plan

    def process(self, context, batch, edits):
        if batch.signal is not tidegate.Signal.LOGS:
            return
        mask = edits.text(self.mask)
        count = 0
        for cell in batch.cells(self.body):
            for part in cell.parts():
                edits.splice(cell.id, part, mask)
                count += 1
        tidegate.counters.add("masked", count)


WitWorld = tidegate.export(Masks)
