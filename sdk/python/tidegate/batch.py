"""A batch is what the module sees of one payload: cells by read, rows by level."""

from typing import NamedTuple

from .wit import Level, types


class Context:
    """All that a processor may know besides the cells: the same context and batch give the same edits."""

    def __init__(self, packed):
        self.now = packed.now
        """When the host took the batch, in nanoseconds since the Unix epoch."""
        self.seed = packed.seed
        """A random number that is the same whenever this batch is replayed."""
        self.cluster = packed.cluster
        """The `cluster.id` that the batch was bound to at ingress, or None."""
        self.all_metadata = packed.metadata
        """All request metadata that was granted, as pairs; a key with several values comes once for each."""

    def metadata(self, key):
        """The request metadata of this key, where it was granted."""
        return next((value for name, value in self.all_metadata if name == key), None)


class Encoded(bytes):
    """A list, a map or no value as an `AnyValue` message of OTLP."""


class Match(NamedTuple):
    """A match of the read's pattern of this position: bytes `start` to before `end` of the cell."""

    pattern: int
    start: int
    end: int


class Cell:
    """One value of a read: a field of a row, an attribute, or a key."""

    __slots__ = ("_batch", "_column", "_index", "_matches")

    def __init__(self, batch, column, index, matches):
        self._batch, self._column, self._index, self._matches = batch, column, index, matches

    @property
    def id(self):
        """Its number, for edits."""
        return self._column.first_cell + self._index

    @property
    def row(self):
        """Its row, at the level that the context of the read's path names."""
        return self._column.rows[self._index]

    @property
    def key(self):
        """The attribute key nearest to it; a list's items have the list's. Empty under no key, as a body is."""
        keys = self._column.keys
        return _part(self._batch.packed.dictionary, keys[self._index]).decode() if keys else ""

    @property
    def is_key(self):
        """Whether it is an attribute's key and not its value: only under `[**]`."""
        return self._column.part is types.Part.KEY

    @property
    def within(self):
        """The position, among the keys of the read, of the nearest key around it, or None. A value's own key is around it."""
        within = self._column.within
        return within[self._index] - 1 if within and within[self._index] else None

    @property
    def value(self):
        """What it holds: str, bytes, int, float, bool or Encoded."""
        values = self._column.values
        if isinstance(values, types.Values_Text):
            return _part(values.value, self._index).decode()
        if isinstance(values, types.Values_Bytes):
            return bytes(_part(values.value, self._index))
        if isinstance(values, types.Values_Encoded):
            return Encoded(_part(values.value, self._index))
        return values.value[self._index]

    @property
    def text(self):
        """Its text, or None where it is none."""
        return self.value if isinstance(self._column.values, types.Values_Text) else None

    @property
    def contents(self):
        """The bytes of its text, byte string or encoded value, which is what matches count in; None where it is none of these."""
        packed = self._column.values.value
        return bytes(_part(packed, self._index)) if isinstance(packed, types.Packed) else None

    def matches(self):
        """The matches of the read's patterns in it, by start; those of different patterns may overlap."""
        return [Match(found.pattern, found.start, found.end) for found in self._matches]

    def parts(self):
        """The parts of it that matched, as (start, end): matches that overlap are joined to one part."""
        parts = []
        for found in self._matches:
            if parts and found.start < parts[-1][1]:
                parts[-1] = (parts[-1][0], max(parts[-1][1], found.end))
            else:
                parts.append((found.start, found.end))
        return parts


class Batch:
    """One payload, as far as the plan reads it."""

    def __init__(self, packed):
        self.packed = packed
        self._levels = {rows.level: (at, rows) for at, rows in enumerate(packed.levels)}

    @property
    def signal(self):
        """The signal."""
        return self.packed.signal

    def cells(self, read):
        """The cells of a read, by row and in the order of the payload among those of one type."""
        columns = [self._column(column) for column in self.packed.columns if column.read == read]
        if len(columns) == 1:
            return columns[0]
        # Sorting is stable, so that cells of one row stay as they are, column by column.
        return iter(sorted((cell for cells in columns for cell in cells), key=lambda cell: cell.row))

    def count(self, level):
        """How many rows a level has; none where the plan names no field at it or under it."""
        return self._levels[level][1].count if level in self._levels else 0

    def ancestor(self, level, row, above):
        """The row at the level `above` that a row is in; None where `above` is not above it."""
        while level is not above:
            at, rows = self._levels.get(level, (0, None))
            if at == 0:
                return None
            row = rows.parents[row]
            # Events, links and exemplars lie side by side under their item.
            beside = level in (Level.EVENT, Level.LINK, Level.EXEMPLAR)
            level = Level.ITEM if beside else self.packed.levels[at - 1].level
        return row

    def _column(self, column):
        matches, at = column.matches, 0
        for index in range(len(column.rows)):
            start = at
            while at < len(matches) and matches[at].index == index:
                at += 1
            yield Cell(self, column, index, matches[start:at])


def _part(packed, index):
    start = packed.ends[index - 1] if index else 0
    return packed.bytes[start : packed.ends[index]]
