package tidegate

import (
	"iter"
	"unsafe"

	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// Batch is what the module sees of one payload: cells by read, rows by level.
type Batch struct{ packed types.Batch }

// CellID is a cell's number, for edits.
type CellID uint32

// Encoded is a list, a map or no value as an AnyValue message of OTLP.
type Encoded []byte

// Match is a match of one of the read's patterns.
type Match struct {
	// Pattern is the pattern's position in its read.
	Pattern uint32
	Range
}

// Cell is one value of a read: a field of a row, an attribute, or a key.
type Cell struct {
	batch   *Batch
	column  *types.Column
	index   uint32
	matches []types.PatternMatch
}

// Signal is the batch's signal.
func (b *Batch) Signal() Signal { return Signal(b.packed.Signal) }

// Cells are the cells of a read, by row and in the order of the payload among those of one type.
func (b *Batch) Cells(read ReadID) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		var columns []cells
		for i := range b.packed.Columns {
			if column := &b.packed.Columns[i]; column.Read == uint32(read) {
				columns = append(columns, cells{column: column, matches: column.Matches})
			}
		}
		for {
			// A read has one or two columns as a rule, so that looking at each is the fastest merge.
			var first *cells
			for i := range columns {
				if at := &columns[i]; !at.done() && (first == nil || at.row() < first.row()) {
					first = at
				}
			}
			if first == nil || !yield(first.take(b)) {
				return
			}
		}
	}
}

// cells are those of one column that are left.
type cells struct {
	column  *types.Column
	next    uint32
	matches []types.PatternMatch
}

func (c *cells) done() bool { return int(c.next) >= len(c.column.Rows) }

func (c *cells) row() uint32 { return c.column.Rows[c.next] }

func (c *cells) take(batch *Batch) Cell {
	count := 0
	for count < len(c.matches) && c.matches[count].Index == c.next {
		count++
	}
	cell := Cell{batch, c.column, c.next, c.matches[:count]}
	c.matches = c.matches[count:]
	c.next++
	return cell
}

// Count is how many rows a level has; none where the plan names no field at it or under it.
func (b *Batch) Count(level Level) uint32 {
	if at := b.level(level); at >= 0 {
		return b.packed.Levels[at].Count
	}
	return 0
}

// Ancestor is the row at the level above that a row is in; false where above is not above it.
func (b *Batch) Ancestor(level Level, row uint32, above Level) (uint32, bool) {
	for level != above {
		at := b.level(level)
		if at < 1 || int(row) >= len(b.packed.Levels[at].Parents) {
			return 0, false
		}
		row = b.packed.Levels[at].Parents[row]
		// Events, links and exemplars lie side by side under their item.
		if level > Item {
			level = Item
		} else {
			level = Level(b.packed.Levels[at-1].Level)
		}
	}
	return row, true
}

func (b *Batch) level(level Level) int {
	for at := range b.packed.Levels {
		if b.packed.Levels[at].Level == uint8(level) {
			return at
		}
	}
	return -1
}

// ID is its number, for edits.
func (c Cell) ID() CellID { return CellID(c.column.FirstCell + c.index) }

// Row is its row, at the level that the context of the read's path names.
func (c Cell) Row() uint32 { return c.column.Rows[c.index] }

// Key is the attribute key nearest to it; a list's items have the list's. Empty under no key, as a body is.
func (c Cell) Key() string {
	if int(c.index) >= len(c.column.Keys) {
		return ""
	}
	return asText(part(c.batch.packed.Dictionary, c.column.Keys[c.index]))
}

// IsKey says whether it is an attribute's key and not its value: only under [**].
func (c Cell) IsKey() bool { return c.column.Part == types.PartKey }

// Within is the position, among the keys of the read, of the nearest key around it. A value's own key is around it.
func (c Cell) Within() (uint32, bool) {
	if int(c.index) >= len(c.column.Within) || c.column.Within[c.index] == 0 {
		return 0, false
	}
	return c.column.Within[c.index] - 1, true
}

// Text is its text; empty where it is none.
func (c Cell) Text() string {
	if c.column.Values.Tag() != types.ValuesText {
		return ""
	}
	return asText(part(c.column.Values.Text(), c.index))
}

// Contents are the bytes of its text, byte string or encoded value, which is what ranges count in.
func (c Cell) Contents() []byte {
	switch c.column.Values.Tag() {
	case types.ValuesText:
		return part(c.column.Values.Text(), c.index)
	case types.ValuesBytes:
		return part(c.column.Values.Bytes(), c.index)
	case types.ValuesEncoded:
		return part(c.column.Values.Encoded(), c.index)
	}
	return nil
}

// Value is what it holds: a string, []byte, int64, uint64, float64, bool or Encoded.
func (c Cell) Value() any {
	switch values := c.column.Values; values.Tag() {
	case types.ValuesText:
		return c.Text()
	case types.ValuesBytes:
		return c.Contents()
	case types.ValuesSigned:
		return values.Signed()[c.index]
	case types.ValuesUnsigned:
		return values.Unsigned()[c.index]
	case types.ValuesDouble:
		return values.Double()[c.index]
	case types.ValuesBoolean:
		return values.Boolean()[c.index]
	default:
		return Encoded(c.Contents())
	}
}

// Matches are the matches of the read's patterns in it, by start; those of different patterns may overlap.
func (c Cell) Matches() iter.Seq[Match] {
	return func(yield func(Match) bool) {
		for _, found := range c.matches {
			if !yield(Match{found.Pattern, Range{found.Start, found.End}}) {
				return
			}
		}
	}
}

// Parts are the parts of it that matched: matches that overlap are joined to one part.
func (c Cell) Parts() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for at := 0; at < len(c.matches); {
			part := Range{c.matches[at].Start, c.matches[at].End}
			for at++; at < len(c.matches) && c.matches[at].Start < part.End; at++ {
				part.End = max(part.End, c.matches[at].End)
			}
			if !yield(part) {
				return
			}
		}
	}
}

func part(packed types.Packed, index uint32) []byte {
	if int(index) >= len(packed.Ends) {
		return nil
	}
	start := uint32(0)
	if index > 0 {
		start = packed.Ends[index-1]
	}
	return packed.Bytes[start:packed.Ends[index]]
}

// asText does not copy: nobody writes to what the host packed.
func asText(contents []byte) string { return unsafe.String(unsafe.SliceData(contents), len(contents)) }
