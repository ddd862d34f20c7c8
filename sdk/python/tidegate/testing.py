"""Runs a processor on OTLP/JSON without a host: reads found, patterns run, the processor called, its edits applied.

::

    pins = Tester(Pins, "logs", {"digits": 4})
    after = pins.process({"resourceLogs": [...]})      # or pins.process_file("fixtures/logs.json")

It stands in for the host as far as a unit test needs it, and differs:

- patterns are run by Python's `re`, with ASCII classes: what it takes and the host does not (look-around, back-references) is
  found at home by the host alone, and what the host alone takes (`\\p{Greek}`, nested flags) fails here;
- reads of `whole` and `composites` have no cells here, and cells are not `encoded`: try those in a host;
- of fields there are texts, numbers, bodies and attributes: no ids, no values of data points;
- limits and grants are not kept. That edits lie within the plan's writes, that they do not overlap, and that nothing is edited
  under something removed or dropped is.
"""

import base64
import copy
import itertools
import json
import pathlib
import re

from . import counters, log
from .error import Error
from .export import export
from .wit import Err, Level, Signal, types

SIGNALS = {
    "logs": (Signal.LOGS, "resourceLogs", "scopeLogs", "logRecords", "log"),
    "traces": (Signal.TRACES, "resourceSpans", "scopeSpans", "spans", "span"),
    "metrics": (Signal.METRICS, "resourceMetrics", "scopeMetrics", "metrics", "datapoint"),
}
LEVELS = {
    "resource": Level.ORIGIN, "scope": Level.SCOPE, "metric": Level.METRIC, "log": Level.ITEM, "span": Level.ITEM,
    "datapoint": Level.ITEM, "spanevent": Level.EVENT, "spanlink": Level.LINK, "exemplar": Level.EXEMPLAR,
}
POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
# What a field that is no attribute and no body holds.
FIELDS = {
    **dict.fromkeys(("name", "version", "severity_text", "event_name", "trace_state", "description", "unit", "status.message"), "text"),
    **dict.fromkeys(("time_unix_nano", "observed_time_unix_nano", "start_time_unix_nano", "end_time_unix_nano", "flags",
                     "dropped_attributes_count", "count"), "unsigned"),
    **dict.fromkeys(("severity_number", "kind", "status.code", "aggregation_temporality"), "signed"),
}
FORMS = {"text": "stringValue", "unsigned": "unsigned", "signed": "intValue"}


class Tester:
    """One configured instance of a processor. `lines` and `counts` are what it logged and counted, `calls` how often it was
    needed, and `routes` the rows of the last batch that it sent elsewhere: (level, row, route)."""

    def __init__(self, processor, signal, config=None, now=0, seed=0, cluster=None, metadata=()):
        self.names = SIGNALS[signal]
        self.world, self.calls, self.routes = export(processor)(), 0, []
        self.context = types.Context(now, seed, cluster, list(metadata))
        log.lines.clear()
        counters.counts.clear()
        self.lines, self.counts = log.lines, counters.counts
        self.plan = _told(self.world.configure, self.names[0], json.dumps(config))
        self.reads = [_Path(read.path) for read in self.plan.reads]
        self.writes = [None if path in ("drop", "route") else _Path(path) for path in self.plan.writes]

    def process_file(self, path):
        """Hands the request in a file of OTLP/JSON to the processor, and returns what becomes of it."""
        return self.process(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))

    def process(self, request):
        """Hands a request to the processor, and returns what becomes of it."""
        request, self.routes = copy.deepcopy(request), []
        rows = _rows(request, self.names)
        cells, columns, dictionary = self._project(rows)
        if self.plan.reads and all(read.patterns for read in self.plan.reads) and not cells:
            return request
        self.calls += 1
        levels = [types.Rows(level, len(at), [row.parent for row in at if row.above]) for level, at in rows.items()]
        batch = types.Batch(self.names[0], levels, _packed(key.encode() for key in dictionary), columns)
        self._apply(_told(self.world.process, self.context, batch), rows, cells)
        return request

    def _project(self, rows):
        cells, columns, dictionary = [], [], {}
        for number, (path, read) in enumerate(zip(self.reads, self.plan.reads)):
            found = [cell for at, row in enumerate(rows.get(path.level, [])) for cell in path.cells(row, at, read.cells)]
            patterns = [re.compile(pattern, re.ASCII) for pattern in read.patterns]
            found = [cell for cell in found if not patterns or cell.scan(patterns)]
            keys = [cell for cell in found if cell.is_key]
            for cell in found:
                cell.within = max((at + 1 for at, key in enumerate(keys) if key.is_around(cell)), default=0)
            for is_key, kind in itertools.product((False, True), KINDS):
                chosen = [cell for cell in found if cell.is_key == is_key and cell.kind == kind]
                if chosen:
                    first, has_keys = len(cells), bool(keys)
                    cells += chosen
                    numbers = [dictionary.setdefault(cell.key, len(dictionary)) for cell in chosen if path.is_keyed]
                    columns.append(types.Column(
                        number, types.Part.KEY if is_key else types.Part.VALUE, first, [cell.at for cell in chosen], numbers,
                        [cell.within for cell in chosen if has_keys], KINDS[kind]([cell.value for cell in chosen]),
                        [types.PatternMatch(index, *found) for index, cell in enumerate(chosen) for found in cell.matches],
                    ))
        return cells, columns, dictionary

    def _apply(self, script, rows, cells):
        edited, upserts, dropped = {}, [], []
        for edit in script.edits:
            value = edit.value
            if isinstance(edit, types.Edit_Drop):
                self._granted("drop")
                dropped += _range(rows, value.level, value)
            elif isinstance(edit, types.Edit_Route):
                self._granted("route")
                numbers = range(value.first_row, value.end_row)
                self.routes += [(value.level, row, self.plan.routes[value.route]) for row in numbers]
            elif isinstance(edit, (types.Edit_Upsert, types.Edit_Erase)):
                upserts.append(value)
            else:
                number = value if isinstance(edit, types.Edit_Remove) else value.cell
                edited.setdefault(number, []).append(edit)
        gone = [cells[number] for number, edits in edited.items() if isinstance(edits[0], types.Edit_Remove)]
        for number, edits in edited.items():
            cell = cells[number]
            if not any(path and path.covers(cell) for path in self.writes):
                raise Error(f"an edit of {cell.path.source} is outside the plan's writes")
            if any(cell.row.is_under(row) for row in dropped):
                raise Error("an edit lies in a row that another edit drops")
            if any(outer is not cell and outer.is_around(cell) for outer in gone):
                raise Error("an edit lies under something that another edit removes")
            cell.edit(edits, script.text)
        for edit in upserts:
            path = self.writes[edit.write]
            keys = path.keys + ([_text(edit.key, script.text)] if path.reach else [])
            value = None if isinstance(edit, types.Erase) else _any(edit.value, script.text)
            for row in _range(rows, path.level, edit):
                if any(row.is_under(other) for other in dropped):
                    raise Error("an edit lies in a row that another edit drops")
                path.write(row, keys, value, getattr(edit, "mode", None))
        for row in dropped:
            row.drop()

    def _granted(self, word):
        if word not in self.plan.writes:
            raise Error(f"{word}: an edit is outside the plan's writes")


def _told(function, *arguments):
    try:
        return function(*arguments)
    except Err as error:
        raise Error(error.value) from None


class _Row:
    def __init__(self, object_, container, parent, above):
        self.object, self.container, self.parent, self.above = object_, container, parent, above
        self.left = 0

    def is_under(self, other):
        return self is other or (self.above is not None and self.above.is_under(other))

    def drop(self):
        """Goes, and with it what is left without items; a span without events stays."""
        self.container[:] = [other for other in self.container if other is not self.object]
        if self.above and self.above.left:
            self.above.left -= 1
            if not self.above.left:
                self.above.drop()


def _rows(request, names):
    """The rows of each level, in the order of the payload."""
    signal, outer, inner, leaf, _ = names
    rows = {}

    def add(level, container, above, counts=True):
        at = rows.setdefault(level, [])
        for object_ in container:
            parent = rows[above[0]].index(above[1]) if above else None
            at.append(_Row(object_, container, parent, above and above[1]))
            if above and counts:
                above[1].left += 1
            yield object_, (level, at[-1])

    for group, origin in add(Level.ORIGIN, request.get(outer, []), None):
        for part, scope in add(Level.SCOPE, group.get(inner, []), origin):
            containers = [(part.get(leaf, []), scope)]
            if signal is Signal.METRICS:
                metrics = list(add(Level.METRIC, part.get(leaf, []), scope))
                containers = [(metric[kind].get("dataPoints", []), at) for metric, at in metrics for kind in POINTS if kind in metric]
            for container, above in containers:
                for item, at in add(Level.ITEM, container, above):
                    for level, name in ((Level.EVENT, "events"), (Level.LINK, "links"), (Level.EXEMPLAR, "exemplars")):
                        list(add(level, item.get(name, []), at, counts=False))
    return rows


def _range(rows, level, edit):
    chosen = rows.get(level, [])[edit.first_row : edit.end_row]
    if len(chosen) != edit.end_row - edit.first_row:
        raise Error("an edit is of rows that do not exist")
    return chosen


class _Path:
    """A path in OTTL's syntax: context, field, keys, and how far it reaches."""

    def __init__(self, source):
        index = r'\[("(?:[^"\\]|\\.)*"|\*\*?)\]'
        match = re.fullmatch(rf"(\w+)\.([\w.]+)((?:{index})*)", source)
        if not match or match[1] not in LEVELS:
            raise Error.at(source, "is no path")
        self.source, self.context, self.field, self.level = source, match[1], match[2], LEVELS[match[1]]
        keys = re.findall(index, match[3])
        self.reach = keys.pop() if keys and keys[-1].startswith("*") else None
        self.keys = [json.loads(key) for key in keys]
        self.is_keyed = bool(self.keys or self.reach)
        head, *rest = self.field.split(".")[-1].split("_")
        self.name = head + "".join(part.title() for part in rest)
        if self.field not in ("body", "attributes", "status.code", "status.message") and self.field not in FIELDS:
            raise Error.at(source, "is of a field that this helper does not know: try it in a host")

    def covers(self, cell):
        """Whether an edit of a cell is within the path."""
        own, keys = self.keys, cell.keys
        same = (self.context, self.field) == (cell.path.context, cell.path.field) and keys[: len(own)] == own
        return same and (self.reach != "*" or len(keys) == len(own) + 1)

    def cells(self, row, at, form):
        """The cells of one row."""
        if form not in (types.Cells.SCALARS, types.Cells.PRINTED):
            return
        root = self._root(row)
        if root is not None:
            yield from self._under(root, self.keys, _Cell(self, row, at, root, form))

    def write(self, row, keys, value, mode):
        """Writes, or takes out where there is no value."""
        root = self._root(row, make=value is not None)
        if root is None or (not keys and value is None):
            return
        if not keys:
            return root.put(value)
        entries = root.entries()
        there = next((entry for entry in entries if entry["key"] == keys[0]), None)
        if value is None:
            entries[:] = [entry for entry in entries if entry is not there]
        elif there is None and mode is not types.Mode.UPDATE:
            entries.append({"key": keys[0], "value": value})
        elif there is not None and mode is not types.Mode.INSERT:
            there["value"] = value

    def _root(self, row, make=False):
        object_ = row.object
        if self.context in ("resource", "scope"):
            object_ = object_.setdefault(self.context, {}) if make else object_.get(self.context, {})
        for step in self.field.split(".")[:-1]:
            object_ = object_.setdefault(step, {}) if make else object_.get(step, {})
        if self.name not in object_ and not make:
            return None
        kind = "attributes" if self.field == "attributes" else "any" if self.field == "body" else FIELDS.get(self.field, "text")
        return _Slot(object_, self.name, kind)

    def _under(self, slot, keys, cell):
        if keys or self.reach == "*":
            for at, entry in enumerate(slot.entries()):
                if not keys or entry["key"] == keys[0]:
                    inner = cell.inside(at, entry, slot.entries())
                    yield from self._under(inner.slot, keys[1:], inner) if keys else inner.scalar()
        elif self.reach == "**":
            yield from self._deep(slot, cell)
        else:
            yield from cell.scalar()

    def _deep(self, slot, cell):
        for at, entry in enumerate(slot.entries()):
            inner = cell.inside(at, entry, slot.entries())
            yield from inner.as_key(entry).scalar()
            yield from self._deep(inner.slot, inner)
        for at, item in enumerate(slot.items()):
            inner = cell.inside(at, item, slot.items())
            yield from self._deep(inner.slot, inner)
        yield from cell.scalar(deep=True)


class _Slot:
    """A place in OTLP/JSON that holds a value: an `AnyValue`, a list of attributes, or a field in its own form."""

    def __init__(self, holder, name, kind):
        self.holder, self.name, self.kind = holder, name, kind

    def any(self):
        value = self.holder.get(self.name, [] if self.kind == "attributes" else {} if self.kind == "any" else "")
        if self.kind == "any":
            return value
        return {"kvlistValue": {"values": value}} if self.kind == "attributes" else {FORMS[self.kind]: value}

    def put(self, any_):
        self.holder[self.name] = any_ if self.kind == "any" else next(iter(any_.values()))

    def entries(self):
        if self.kind == "attributes":
            return self.holder.setdefault(self.name, [])
        return self.any().get("kvlistValue", {}).get("values", [])

    def items(self):
        return self.any().get("arrayValue", {}).get("values", [])


class _Cell:
    def __init__(self, path, row, at, slot, form, place=(), keys=(), container=None, element=None):
        self.path, self.row, self.at, self.slot, self.form = path, row, at, slot, form
        self.place, self.keys, self.container, self.element = place, list(keys), container, element
        self.is_key, self.is_printed, self.matches, self.within = False, False, [], 0
        self.value = self.kind = None

    @property
    def key(self):
        return self.keys[-1] if self.keys else ""

    def inside(self, at, element, container):
        """The cell of an attribute's value or a list's item."""
        is_entry = "key" in element
        slot = _Slot(element, "value", "any") if is_entry else _Item(container, at)
        keys = self.keys + [element["key"]] if is_entry else self.keys
        return _Cell(self.path, self.row, self.at, slot, self.form, self.place + (at,), keys, container, element)

    def as_key(self, entry):
        key = _Cell(self.path, self.row, self.at, _Slot(entry, "key", "text"), self.form, self.place, self.keys, self.container, entry)
        key.is_key = True
        return key

    def scalar(self, deep=False):
        """Itself, where it is a value that crosses over."""
        ((name, value),) = (self.slot.any() or {"": None}).items()
        if name not in VALUES or (deep and self.form is types.Cells.SCALARS and name not in ("stringValue", "bytesValue")):
            return
        self.kind, self.value = name, VALUES[name](value)
        if self.form is types.Cells.PRINTED and name != "stringValue":
            self.kind, self.value, self.is_printed = "stringValue", _printed(name, self.value), True
        yield self

    def scan(self, patterns):
        """Runs the patterns over a text or byte string, and says whether any matched."""
        if self.kind not in ("stringValue", "bytesValue"):
            return False
        text = self.value if self.kind == "stringValue" else self.value.decode("latin-1")
        coding = "utf-8" if self.kind == "stringValue" else "latin-1"
        at = lambda index: len(text[:index].encode(coding))  # noqa: E731
        self.matches = sorted(
            (number, at(found.start()), at(found.end())) for number, pattern in enumerate(patterns) for found in pattern.finditer(text)
        )
        self.matches.sort(key=lambda found: (found[1], found[0]))
        return bool(self.matches)

    def is_around(self, other):
        same = (self.row, self.path.field) == (other.row, other.path.field) and other.place[: len(self.place)] == self.place
        return same and not (other.is_key and other.place == self.place) and self is not other

    def edit(self, edits, text):
        if not all(isinstance(edit, types.Edit_Splice) for edit in edits):
            if len(edits) > 1:
                raise Error("two edits of one cell")
            if isinstance(edits[0], types.Edit_Remove):
                if self.container is None:
                    del self.slot.holder[self.slot.name]
                else:
                    self.container[:] = [other for other in self.container if other is not self.element]
            else:
                self.slot.put(_any(edits[0].value.value, text))
            return
        if self.is_printed or self.kind not in ("stringValue", "bytesValue"):
            raise Error("a splice of what is no text")
        contents = self.value.encode() if self.kind == "stringValue" else self.value
        end = len(contents)
        for splice in sorted((edit.value for edit in edits), key=lambda splice: splice.start, reverse=True):
            if splice.end > end or splice.start > splice.end:
                raise Error("two splices overlap, or one is outside its cell")
            contents = contents[: splice.start] + text[splice.with_.start : splice.with_.end] + contents[splice.end :]
            end = splice.start
        try:
            value = contents.decode() if self.kind == "stringValue" else base64.b64encode(contents).decode()
        except UnicodeDecodeError:
            raise Error("a splice is within a character") from None
        self.slot.put({self.kind: value})


class _Item(_Slot):
    """An item of a list, by its position when the batch came."""

    def __init__(self, container, at):
        super().__init__(None, None, "any")
        self.element = container[at]

    def any(self):
        return self.element

    def put(self, any_):
        self.element.clear()
        self.element.update(any_)


def _printed(name, value):
    """A value that is no text, as the Collector prints it."""
    if name == "boolValue":
        return str(value).lower()
    return base64.b64encode(value).decode() if name == "bytesValue" else repr(value).removesuffix(".0")


def _text(slice_, text):
    return text[slice_.start : slice_.end].decode()


def _any(value, text):
    """The value of an edit in OTLP/JSON's form."""
    inner = value.value
    if isinstance(value, types.Value_Text):
        return {"stringValue": _text(inner, text)}
    if isinstance(value, types.Value_Bytes):
        return {"bytesValue": base64.b64encode(text[inner.start : inner.end]).decode()}
    if isinstance(value, types.Value_Signed):
        return {"intValue": str(inner)}
    if isinstance(value, types.Value_Double):
        return {"doubleValue": inner}
    if isinstance(value, types.Value_Boolean):
        return {"boolValue": inner}
    raise Error("an encoded value is beyond this helper: try it in a host")


def _packed(parts):
    contents, ends = b"", []
    for part in parts:
        contents += part
        ends.append(len(contents))
    return types.Packed(contents, ends)


# The types of columns, by the member of OTLP/JSON's value that they come from.
KINDS = {
    "stringValue": lambda values: types.Values_Text(_packed(value.encode() for value in values)),
    "bytesValue": lambda values: types.Values_Bytes(_packed(values)),
    "intValue": types.Values_Signed,
    "unsigned": types.Values_Unsigned,
    "doubleValue": types.Values_Double,
    "boolValue": types.Values_Boolean,
}
VALUES = {
    "stringValue": str, "bytesValue": base64.b64decode, "intValue": int, "doubleValue": float, "boolValue": bool, "unsigned": int,
}
