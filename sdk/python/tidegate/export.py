"""The way from the world's exports to a processor."""

import sys
import time
import traceback

from . import log
from .batch import Batch, Context
from .config import decode
from .edits import Edits
from .error import Error
from .wit import Err


class Processor:
    """One instance of a processor, for one signal and configuration."""

    Config = dict
    """What the operator writes under `config`: a dataclass, whose fields are the keys. A `dict` takes whatever there is."""

    def configure(self, signal, config):
        """Takes the configuration: once, before any batch; answers the plan. `Error.at` names the key at fault."""
        raise NotImplementedError

    def process(self, context, batch, edits):
        """Takes one batch. What this does depends on its arguments alone, unless the plan says that the instance remembers
        something. An exception fails the batch as a whole."""
        raise NotImplementedError


def export(processor):
    """Makes a processor the module's: `WitWorld = tidegate.export(MyProcessor)`, in the module's main file."""

    class WitWorld:
        # Of the class, since each call may come on an object of its own; a module is an instance.
        processor = None

        def configure(self, signal, config):
            with _Errors():
                made = processor()
                plan = made.configure(signal, decode(made.Config, config))
                if plan is None:
                    raise Error("configure returned no plan")
                WitWorld.processor = made
                return plan.packed

        def process(self, context, batch):
            with _Errors():
                if WitWorld.processor is None:
                    raise Error("process was called before configure")
                _set_the_scene(context)
                edits = Edits()
                WitWorld.processor.process(Context(context), Batch(batch), edits)
                return edits.script()

    return WitWorld


class _Errors:
    """Exceptions become the contract's errors; what was not foreseen is told in the log, with its place."""

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if problem is None or not isinstance(problem, Exception):
            return False
        if isinstance(problem, Error):
            raise Err(str(problem) or "an error without a word")
        at = traceback.extract_tb(trace)[-1]
        sentence = f"{kind.__name__}: {problem}"
        log.error(f"raised at {at.filename}:{at.lineno}: {sentence}")
        raise Err(sentence)


def _set_the_scene(context):
    """There is neither a clock nor chance in a module: both come from the context, so that a batch can be replayed."""
    if sys.platform != "wasi":
        return
    for clock in ("time", "monotonic", "perf_counter"):
        setattr(time, clock, lambda: context.now / 1e9)
        setattr(time, f"{clock}_ns", lambda: context.now)
    if random := sys.modules.get("random"):
        random.seed(context.seed)
