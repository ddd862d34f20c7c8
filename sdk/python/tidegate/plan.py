"""A plan is what a processor asks the host for: fields to read, fields to write, routes."""

from dataclasses import dataclass

from .wit import types


@dataclass(frozen=True)
class Pattern:
    """A regular expression that comes from the configuration's key `name`: where it is wrong, the operator reads that."""

    source: str
    name: str = ""


class Plan:
    """What a processor needs; made once, in `configure`.

    Paths are those of OTTL: `log.body`, `resource.attributes["cluster.id"]`, `span.attributes[*]` for each value of the map,
    `log.attributes[**]` for every text, byte string and map key in it, however deep.
    """

    def __init__(self):
        self.packed = types.Plan([], [], [], types.State.NONE)

    def read(self, path):
        """The cells of this path."""
        return self._read(path, [], types.Cells.SCALARS)

    def read_matching(self, path, patterns):
        """Those in which one of the patterns matches, with the matches. The host runs them."""
        return self._read(path, patterns, types.Cells.SCALARS)

    def read_printed(self, path, patterns=()):
        """The cells as text, numbers and truth values printed. What is no text itself can be replaced and not spliced."""
        return self._read(path, patterns, types.Cells.PRINTED)

    def read_whole(self, path, keys=()):
        """Attributes with values of any type, lists and maps encoded: all, or those in whose key one of the patterns matches."""
        return self._read(path, keys, types.Cells.WHOLE)

    def read_composites(self, path):
        """Lists, maps and values without a member, encoded, and nothing else."""
        return self._read(path, [], types.Cells.COMPOSITES)

    def write(self, path):
        """Edits may touch this path."""
        self.packed.writes.append(path)
        return len(self.packed.writes) - 1

    def drop_rows(self):
        """Edits may drop rows."""
        self._word("drop")

    def route(self, name):
        """Edits may send rows to the route of this name; asking twice gives the same route."""
        self._word("route")
        if name not in self.packed.routes:
            self.packed.routes.append(name)
        return self.packed.routes.index(name)

    def remember(self):
        """The instance remembers what it can afford to lose at a swap: there is then just one."""
        self.packed.state = types.State.REBUILDABLE

    def _read(self, path, patterns, cells):
        patterns = [pattern if isinstance(pattern, Pattern) else Pattern(pattern) for pattern in patterns]
        read = types.Read(path, [p.source for p in patterns], [p.name for p in patterns], cells)
        self.packed.reads.append(read)
        return len(self.packed.reads) - 1

    def _word(self, word):
        if word not in self.packed.writes:
            self.packed.writes.append(word)
