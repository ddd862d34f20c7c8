package tidegate

import (
	"fmt"

	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// Edits are what a processor answers: collected here, checked and applied by the host.
//
// A value to write is a string, []byte, int, int64, float64, bool, Encoded or Text.
type Edits struct{ script types.Script }

// Text is text that was put by once and may be used in any number of edits of that batch.
type Text struct{ slice types.Slice }

// Mode is when an upsert writes.
type Mode uint8

// The modes: always, where the field is absent, and where it is present.
const (
	Upsert = Mode(types.ModeUpsert)
	Insert = Mode(types.ModeInsert)
	Update = Mode(types.ModeUpdate)
)

func newEdits() *Edits {
	// A text of no bytes has to have an address all the same, see pinnable.
	return &Edits{types.Script{Text: make([]byte, 0, 64)}}
}

// Text puts text by, for edits that share it.
func (e *Edits) Text(text string) Text {
	start := uint32(len(e.script.Text))
	e.script.Text = append(e.script.Text, text...)
	return Text{types.Slice{Start: start, End: uint32(len(e.script.Text))}}
}

// Splice replaces a part of a text or bytes cell: from and to a character's boundary. Parts must not overlap.
func (e *Edits) Splice(cell CellID, part Range, with Text) {
	e.add(types.MakeEditSplice(types.Splice{Cell: uint32(cell), Start: part.Start, End: part.End, With: with.slice}))
}

// Replace replaces a cell. An attribute or a body may change its type.
func (e *Edits) Replace(cell CellID, value any) {
	e.add(types.MakeEditReplace(types.Replace{Cell: uint32(cell), Value: e.value(value)}))
}

// Remove removes a cell: the attribute with its key, the list's item, or the field.
func (e *Edits) Remove(cell CellID) { e.add(types.MakeEditRemove(uint32(cell))) }

// Upsert writes a field, or the attribute of a path with a key, in each row of a range.
func (e *Edits) Upsert(write WriteID, rows Range, mode Mode, value any) {
	e.UpsertKey(write, rows, "", mode, value)
}

// UpsertKey writes the attribute key of a path that ends in [*] or [**], in each row of a range.
func (e *Edits) UpsertKey(write WriteID, rows Range, key string, mode Mode, value any) {
	name, packed := e.Text(key).slice, e.value(value)
	e.add(types.MakeEditUpsert(types.Upsert{
		Write: uint32(write), FirstRow: rows.Start, EndRow: rows.End, Key: name, Value: packed, Mode: types.Mode(mode),
	}))
}

// Erase takes a field, or the attribute of a path with a key, out of each row in a range, whatever it holds.
func (e *Edits) Erase(write WriteID, rows Range) { e.EraseKey(write, rows, "") }

// EraseKey takes the attribute key of a path that ends in [*] or [**] out of each row in a range.
func (e *Edits) EraseKey(write WriteID, rows Range, key string) {
	name := e.Text(key).slice
	e.add(types.MakeEditErase(types.Erase{Write: uint32(write), FirstRow: rows.Start, EndRow: rows.End, Key: name}))
}

// DropRows drops rows with all that is under them. Ranges that touch become one.
func (e *Edits) DropRows(level Level, rows Range) {
	drop := types.DropRows{Level: types.Level(level), FirstRow: rows.Start, EndRow: rows.End}
	if last := e.last(types.EditDrop); last != nil && last.Drop().Level == drop.Level && last.Drop().EndRow == rows.Start {
		drop.FirstRow = last.Drop().FirstRow
		*last = types.MakeEditDrop(drop)
		return
	}
	e.add(types.MakeEditDrop(drop))
}

// RouteRows sends rows with all that is under them to a route. Ranges that touch become one.
func (e *Edits) RouteRows(level Level, rows Range, route RouteID) {
	to := types.RouteRows{Level: types.Level(level), FirstRow: rows.Start, EndRow: rows.End, Route: uint32(route)}
	if last := e.last(types.EditRoute); last != nil {
		before := last.Route()
		if before.Level == to.Level && before.Route == to.Route && before.EndRow == rows.Start {
			to.FirstRow = before.FirstRow
			*last = types.MakeEditRoute(to)
			return
		}
	}
	e.add(types.MakeEditRoute(to))
}

// Len is how many edits there are so far.
func (e *Edits) Len() int { return len(e.script.Edits) }

func (e *Edits) add(edit types.Edit) { e.script.Edits = append(e.script.Edits, edit) }

func (e *Edits) last(tag uint8) *types.Edit {
	if len(e.script.Edits) == 0 || e.script.Edits[len(e.script.Edits)-1].Tag() != tag {
		return nil
	}
	return &e.script.Edits[len(e.script.Edits)-1]
}

func (e *Edits) value(value any) types.Value {
	switch value := value.(type) {
	case string:
		return types.MakeValueText(e.Text(value).slice)
	case Text:
		return types.MakeValueText(value.slice)
	case []byte:
		return types.MakeValueBytes(e.Text(string(value)).slice)
	case Encoded:
		return types.MakeValueEncoded(e.Text(string(value)).slice)
	case int:
		return types.MakeValueSigned(int64(value))
	case int64:
		return types.MakeValueSigned(value)
	case uint32:
		return types.MakeValueSigned(int64(value))
	case float64:
		return types.MakeValueDouble(value)
	case bool:
		return types.MakeValueBoolean(value)
	}
	panic(fmt.Sprintf("a value of type %T cannot be written: convert it", value))
}
