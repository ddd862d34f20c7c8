"""Edits are what a processor answers: collected here, checked and applied by the host."""

from dataclasses import dataclass

from .batch import Encoded
from .wit import Mode, types


@dataclass(frozen=True)
class Text:
    """Text that was put by once and may be used in any number of edits of that batch."""

    start: int
    end: int


class Edits:
    """The edits of one batch. Rows are a row or a `range` of them; values are str, bytes, int, float, bool, Encoded or Text."""

    def __init__(self):
        self.edits, self._text = [], bytearray()

    def __len__(self):
        return len(self.edits)

    def text(self, text):
        """Puts text by, for edits that share it."""
        start = len(self._text)
        self._text += text.encode() if isinstance(text, str) else text
        return Text(start, len(self._text))

    def splice(self, cell, part, with_):
        """Replaces a part of a text or bytes cell, (start, end) in bytes: from and to a character's boundary. Parts must not
        overlap."""
        start, end = part
        self.edits.append(types.Edit_Splice(types.Splice(cell, start, end, self._slice(with_))))

    def replace(self, cell, value):
        """Replaces a cell. An attribute or a body may change its type."""
        self.edits.append(types.Edit_Replace(types.Replace(cell, self._value(value))))

    def remove(self, cell):
        """Removes a cell: the attribute with its key, the list's item, or the field."""
        self.edits.append(types.Edit_Remove(cell))

    def upsert(self, write, rows, value, mode=Mode.UPSERT, key=""):
        """Writes a field of each row. `key` names the attribute where the path ends in `[*]` or `[**]`."""
        first, end = _range(rows)
        upsert = types.Upsert(write, first, end, self._slice(key), self._value(value), mode)
        self.edits.append(types.Edit_Upsert(upsert))

    def erase(self, write, rows, key=""):
        """Takes a field out of each row, whatever it holds. `key` is as in `upsert`."""
        first, end = _range(rows)
        self.edits.append(types.Edit_Erase(types.Erase(write, first, end, self._slice(key))))

    def drop_rows(self, level, rows):
        """Drops rows with all that is under them. Ranges that touch become one."""
        first, end = _range(rows)
        last = self.edits[-1].value if self.edits and isinstance(self.edits[-1], types.Edit_Drop) else None
        if last and last.level is level and last.end_row == first:
            last.end_row = end
        else:
            self.edits.append(types.Edit_Drop(types.DropRows(level, first, end)))

    def route_rows(self, level, rows, route):
        """Sends rows with all that is under them to a route. Ranges that touch become one."""
        first, end = _range(rows)
        last = self.edits[-1].value if self.edits and isinstance(self.edits[-1], types.Edit_Route) else None
        if last and last.level is level and last.route == route and last.end_row == first:
            last.end_row = end
        else:
            self.edits.append(types.Edit_Route(types.RouteRows(level, first, end, route)))

    def script(self):
        """What the host gets."""
        return types.Script(self.edits, bytes(self._text))

    def _slice(self, text):
        at = text if isinstance(text, Text) else self.text(text)
        return types.Slice(at.start, at.end)

    def _value(self, value):
        # A truth value is an int, too, and Encoded is bytes.
        if isinstance(value, bool):
            return types.Value_Boolean(value)
        if isinstance(value, int):
            return types.Value_Signed(value)
        if isinstance(value, float):
            return types.Value_Double(value)
        if isinstance(value, Encoded):
            return types.Value_Encoded(self._slice(value))
        if isinstance(value, (bytes, bytearray)):
            return types.Value_Bytes(self._slice(value))
        if isinstance(value, (str, Text)):
            return types.Value_Text(self._slice(value))
        raise TypeError(f"a value of type {type(value).__name__} cannot be written: convert it")


def _range(rows):
    if isinstance(rows, range):
        if rows.step != 1:
            raise ValueError("a range of rows has no gaps: its step is 1")
        return rows.start, rows.stop
    return rows, rows + 1
