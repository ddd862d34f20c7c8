package tidegatetest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tidegate.dev/tidegate"
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// changes are the edits of one cell; others counts those that are no splices.
type changes struct {
	splices []types.Splice
	value   *types.Value
	remove  bool
	others  int
}

func (c *changes) clash() bool { return c.others > 1 || (c.others > 0 && len(c.splices) > 0) }

// write is an upsert, or an erasure.
type write struct {
	types.Upsert
	erases bool
}

type script struct {
	types.Script
	plan    types.Plan
	rows    rows
	cells   []*cell
	edited  map[uint32]*changes
	order   []uint32
	writes  []write
	dropped []*row
	routes  []Route
}

// apply makes the changes, refuses what the host refuses, and returns what was routed.
func apply(packed types.Script, plan types.Plan, rows rows, cells []*cell) ([]Route, error) {
	s := script{Script: packed, plan: plan, rows: rows, cells: cells, edited: map[uint32]*changes{}}
	for _, edit := range s.Edits {
		if err := s.sort(edit); err != nil {
			return nil, err
		}
	}
	for _, number := range s.order {
		if err := s.edit(s.cells[number], s.edited[number]); err != nil {
			return nil, err
		}
	}
	for _, write := range s.writes {
		if err := s.write(write); err != nil {
			return nil, err
		}
	}
	for _, row := range s.dropped {
		row.drop()
	}
	return s.routes, nil
}

// sort puts an edit with the others of its cell or kind.
func (s *script) sort(edit types.Edit) error {
	switch edit.Tag() {
	case types.EditSplice:
		changes, err := s.of(edit.Splice().Cell)
		if err == nil {
			changes.splices = append(changes.splices, edit.Splice())
		}
		return err
	case types.EditReplace:
		changes, err := s.of(edit.Replace().Cell)
		if err == nil {
			value := edit.Replace().Value
			changes.value = &value
			changes.others++
		}
		return err
	case types.EditRemove:
		changes, err := s.of(edit.Remove())
		if err == nil {
			changes.remove = true
			changes.others++
		}
		return err
	case types.EditUpsert:
		s.writes = append(s.writes, write{edit.Upsert(), false})
	case types.EditErase:
		erase := edit.Erase()
		s.writes = append(s.writes, write{types.Upsert{
			Write: erase.Write, FirstRow: erase.FirstRow, EndRow: erase.EndRow, Key: erase.Key,
		}, true})
	case types.EditDrop:
		drop := edit.Drop()
		chosen, err := s.rows.chosen(tidegate.Level(drop.Level), drop.FirstRow, drop.EndRow)
		if err != nil {
			return err
		}
		s.dropped = append(s.dropped, chosen...)
		return s.granted("drop")
	case types.EditRoute:
		to := edit.Route()
		for row := to.FirstRow; row < to.EndRow; row++ {
			s.routes = append(s.routes, Route{tidegate.Level(to.Level), row, s.plan.Routes[to.Route]})
		}
		return s.granted("route")
	}
	return nil
}

func (s *script) of(number uint32) (*changes, error) {
	if int(number) >= len(s.cells) {
		return nil, errors.New("there is no such cell")
	}
	if s.edited[number] == nil {
		s.edited[number] = &changes{}
		s.order = append(s.order, number)
	}
	return s.edited[number], nil
}

func (s *script) granted(word string) error {
	if slices.Contains(s.plan.Writes, word) {
		return nil
	}
	return fmt.Errorf("%s: an edit is outside the plan's writes", word)
}

func (s *script) notDropped(row *row) error {
	for _, dropped := range s.dropped {
		if row.isUnder(dropped) {
			return errors.New("an edit lies in a row that another edit drops")
		}
	}
	return nil
}

func (s *script) edit(cell *cell, changes *changes) error {
	covered := false
	for _, source := range s.plan.Writes {
		path, err := parse(source)
		covered = covered || (err == nil && path.covers(cell))
	}
	if !covered {
		return fmt.Errorf("an edit of %s is outside the plan's writes", cell.path.source)
	}
	if err := s.notDropped(cell.row); err != nil {
		return err
	}
	for _, number := range s.order {
		if s.edited[number].remove && s.cells[number].isAround(cell) {
			return errors.New("an edit lies under something that another edit removes")
		}
	}
	if changes.clash() {
		return errors.New("two edits of one cell")
	}
	if changes.remove {
		cell.remove()
		return nil
	}
	if changes.value == nil {
		return cell.splice(changes.splices, s.Text)
	}
	value, err := s.value(*changes.value)
	if err == nil {
		cell.slot.put(value)
	}
	return err
}

func (s *script) write(write write) error {
	path, err := parse(s.plan.Writes[write.Write])
	if err != nil {
		return err
	}
	keys := path.keys
	if path.reach != "" {
		keys = append(slices.Clone(keys), string(s.Text[write.Key.Start:write.Key.End]))
	}
	var value object
	if !write.erases {
		if value, err = s.value(write.Value); err != nil {
			return err
		}
	}
	chosen, err := s.rows.chosen(path.level, write.FirstRow, write.EndRow)
	if err != nil {
		return err
	}
	for _, row := range chosen {
		if err := s.notDropped(row); err != nil {
			return err
		}
		path.write(row, keys, value, write.Mode)
	}
	return nil
}

// value is an edit's value in OTLP/JSON's form.
func (s *script) value(value types.Value) (object, error) {
	switch value.Tag() {
	case types.ValueText:
		return object{"stringValue": string(s.Text[value.Text().Start:value.Text().End])}, nil
	case types.ValueBytes:
		contents := s.Text[value.Bytes().Start:value.Bytes().End]
		return object{"bytesValue": base64.StdEncoding.EncodeToString(contents)}, nil
	case types.ValueSigned:
		return object{"intValue": strconv.FormatInt(value.Signed(), 10)}, nil
	case types.ValueDouble:
		return object{"doubleValue": json.Number(strconv.FormatFloat(value.Double(), 'g', -1, 64))}, nil
	case types.ValueBoolean:
		return object{"boolValue": value.Boolean()}, nil
	}
	return nil, errors.New("an encoded value is beyond this helper: try it in a host")
}
