"""Write Tidegate processors in Python.

A processor says once, in `configure`, which fields it reads and writes; for each batch it sees the cells that it asked for and
answers with edits::

    from dataclasses import dataclass

    import tidegate


    @dataclass
    class Config:
        digits: int = 4


    class Pins(tidegate.Processor):
        Config = Config

        def configure(self, signal, config):
            if config.digits < 1:
                raise tidegate.Error.at("digits", "has to be 1 or more")
            plan = tidegate.Plan()
            self.body = plan.read_matching("log.body", [rf"\\b\\d{{{config.digits}}}\\b"])
            plan.write("log.body")
            return plan

        def process(self, context, batch, edits):
            stars = edits.text("****")
            for cell in batch.cells(self.body):
                for part in cell.parts():
                    edits.splice(cell.id, part, stars)


    WitWorld = tidegate.export(Pins)
"""

from . import counters, log
from .batch import Batch, Cell, Context, Encoded
from .edits import Edits, Text
from .error import Error
from .export import Processor, export
from .plan import Pattern, Plan
from .wit import Level, Mode, Signal

__all__ = [
    "Batch", "Cell", "Context", "Edits", "Encoded", "Error", "Level", "Mode", "Pattern", "Plan", "Processor", "Signal", "Text",
    "counters", "export", "log",
]
