"""The contract's types: those of the component that this runs in or, in a test, copies of them."""

try:
    from componentize_py_types import Err
    from wit_world.imports import counters as host_counters
    from wit_world.imports import log as host_log
    from wit_world.imports import types
except ModuleNotFoundError:
    from . import _types as types

    host_counters = host_log = None

    class Err(Exception):
        """What a function of the world answers in place of its result."""

        def __init__(self, value):
            super().__init__(value)
            self.value = value


Level, Mode, Signal = types.Level, types.Mode, types.Signal
