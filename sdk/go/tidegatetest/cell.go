package tidegatetest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// slotKind is in which form a place of OTLP/JSON holds its value.
type slotKind string

const (
	anyValue   slotKind = "any"
	attributes slotKind = "attributes"
	text       slotKind = "stringValue"
	signed     slotKind = "intValue"
	unsigned   slotKind = "unsigned"
	// An item of a list, which is replaced in place.
	item slotKind = "item"
)

// slot is a place that holds a value.
type slot struct {
	holder object
	name   string
	kind   slotKind
}

func (s slot) any() object {
	switch s.kind {
	case item:
		return s.holder
	case attributes:
		return nil
	case anyValue:
		value, _ := s.holder[s.name].(object)
		return value
	}
	if value, ok := s.holder[s.name]; ok {
		return object{string(s.kind): value}
	}
	return nil
}

func (s slot) put(value object) {
	switch s.kind {
	case item:
		clear(s.holder)
		for name, member := range value {
			s.holder[name] = member
		}
	case anyValue:
		s.holder[s.name] = value
	default:
		for _, member := range value {
			s.holder[s.name] = member
		}
	}
}

func (s slot) entries() list {
	if s.kind == attributes {
		return list{s.holder, s.name}
	}
	values, _ := s.any()["kvlistValue"].(object)
	return list{values, "values"}
}

func (s slot) items() list {
	values, _ := s.any()["arrayValue"].(object)
	return list{values, "values"}
}

// cell is a value of a request: where it lies, what it holds, and how it is edited.
type cell struct {
	path      *path
	row       *row
	at        uint32
	slot      slot
	place     []int
	keys      []string
	container list
	element   object
	isKey     bool
	isPrinted bool
	kind      uint8
	contents  []byte
	integer   int64
	double    float64
	truth     bool
	matches   []types.PatternMatch
}

// inside is the cell of an attribute's value or a list's item.
func (c cell) inside(at int, element object, container list) cell {
	inner := cell{path: c.path, row: c.row, at: c.at, container: container, element: element}
	inner.place = append(slices.Clone(c.place), at)
	inner.keys = slices.Clone(c.keys)
	if key, ok := element["key"].(string); ok {
		inner.keys = append(inner.keys, key)
		inner.slot = slot{holder: element, name: "value", kind: anyValue}
	} else {
		inner.slot = slot{holder: element, kind: item}
	}
	return inner
}

func (c *cell) key() string {
	if len(c.keys) == 0 {
		return ""
	}
	return c.keys[len(c.keys)-1]
}

// fill reads the value, and says whether it is one that crosses over.
func (c *cell) fill(form types.Cells, isDeep bool) bool {
	printed := ""
	for name, value := range c.slot.any() {
		var err error
		printed = fmt.Sprint(value)
		switch name {
		case "stringValue":
			c.kind, c.contents = types.ValuesText, []byte(printed)
		case "bytesValue":
			c.kind = types.ValuesBytes
			c.contents, err = base64.StdEncoding.DecodeString(printed)
		case "intValue", "unsigned":
			c.kind = types.ValuesSigned
			if name == "unsigned" {
				c.kind = types.ValuesUnsigned
			}
			c.integer, err = strconv.ParseInt(printed, 10, 64)
		case "doubleValue":
			c.kind = types.ValuesDouble
			if c.double, err = strconv.ParseFloat(printed, 64); err == nil {
				// As JSON has it, which is as the Collector prints it.
				var text []byte
				text, err = json.Marshal(c.double)
				printed = string(text)
			}
		case "boolValue":
			c.kind, c.truth = types.ValuesBoolean, value == true
		default:
			return false
		}
		if err != nil {
			return false
		}
		isText := c.kind == types.ValuesText
		if isDeep && form == types.CellsScalars && !isText && c.kind != types.ValuesBytes {
			return false
		}
		if form == types.CellsPrinted && !isText {
			c.kind, c.contents, c.isPrinted = types.ValuesText, []byte(printed), true
		}
		return true
	}
	return false
}

// scan runs the patterns over a text or byte string, and says whether any matched.
func (c *cell) scan(patterns []*regexp.Regexp) bool {
	if c.kind != types.ValuesText && c.kind != types.ValuesBytes {
		return false
	}
	for number, pattern := range patterns {
		for _, found := range pattern.FindAllIndex(c.contents, -1) {
			match := types.PatternMatch{Pattern: uint32(number), Start: uint32(found[0]), End: uint32(found[1])}
			c.matches = append(c.matches, match)
		}
	}
	slices.SortStableFunc(c.matches, func(one, other types.PatternMatch) int { return int(one.Start) - int(other.Start) })
	return len(c.matches) > 0
}

func (c *cell) isAround(other *cell) bool {
	if c == other || c.row != other.row || c.path.field != other.path.field || len(other.place) < len(c.place) {
		return false
	}
	begins := slices.Equal(c.place, other.place[:len(c.place)])
	return begins && !(other.isKey && len(other.place) == len(c.place))
}

func (c *cell) remove() {
	if c.element == nil {
		delete(c.slot.holder, c.slot.name)
		return
	}
	c.container.remove(c.element)
}

// splice puts new parts into a text or byte string: from the last to the first, so that none moves another.
func (c *cell) splice(splices []types.Splice, written []byte) error {
	if c.contents == nil || c.isPrinted {
		return errors.New("a splice of what is no text")
	}
	slices.SortFunc(splices, func(one, other types.Splice) int { return int(other.Start) - int(one.Start) })
	contents, before := slices.Clone(c.contents), uint32(len(c.contents))
	for _, splice := range splices {
		if splice.End > before || splice.Start > splice.End {
			return errors.New("two splices overlap, or one is outside its cell")
		}
		contents = slices.Replace(contents, int(splice.Start), int(splice.End), written[splice.With.Start:splice.With.End]...)
		before = splice.Start
	}
	if c.kind == types.ValuesBytes {
		c.slot.put(object{"bytesValue": base64.StdEncoding.EncodeToString(contents)})
		return nil
	}
	if !utf8.Valid(contents) {
		return errors.New("a splice is within a character")
	}
	c.slot.put(object{"stringValue": string(contents)})
	return nil
}

// values packs what cells of one kind hold.
func values(kind uint8, cells []*cell) types.Values {
	var contents [][]byte
	var integers []int64
	var naturals []uint64
	var doubles []float64
	var truths []bool
	for _, cell := range cells {
		contents = append(contents, cell.contents)
		integers = append(integers, cell.integer)
		naturals = append(naturals, uint64(cell.integer))
		doubles = append(doubles, cell.double)
		truths = append(truths, cell.truth)
	}
	switch kind {
	case types.ValuesText:
		return types.MakeValuesText(packed(contents))
	case types.ValuesBytes:
		return types.MakeValuesBytes(packed(contents))
	case types.ValuesSigned:
		return types.MakeValuesSigned(integers)
	case types.ValuesUnsigned:
		return types.MakeValuesUnsigned(naturals)
	case types.ValuesDouble:
		return types.MakeValuesDouble(doubles)
	}
	return types.MakeValuesBoolean(truths)
}

// same says whether two objects are one.
func same(one any, other object) bool {
	object, ok := one.(object)
	return ok && reflect.ValueOf(object).Pointer() == reflect.ValueOf(other).Pointer()
}
