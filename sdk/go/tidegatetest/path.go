package tidegatetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tidegate.dev/tidegate"
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// path is a path in OTTL's syntax: context, field, keys, and how far it reaches.
type path struct {
	source, context, field string
	level                  tidegate.Level
	keys                   []string
	// reach is "", "*" or "**".
	reach string
	kind  slotKind
	// The names of OTLP/JSON on the way to the field.
	steps []string
}

var contexts = map[string]tidegate.Level{
	"resource": tidegate.Origin, "scope": tidegate.Scope, "metric": tidegate.Metric, "log": tidegate.Item,
	"span": tidegate.Item, "datapoint": tidegate.Item, "spanevent": tidegate.Event, "spanlink": tidegate.Link,
	"exemplar": tidegate.Exemplar,
}

var fields = map[slotKind]string{
	anyValue:   "body",
	attributes: "attributes",
	text:       "name version severity_text event_name trace_state description unit status.message",
	unsigned: "time_unix_nano observed_time_unix_nano start_time_unix_nano end_time_unix_nano flags " +
		"dropped_attributes_count count",
	signed: "severity_number kind status.code aggregation_temporality",
}

var (
	syntax = regexp.MustCompile(`^(\w+)\.([\w.]+)((?:\[(?:"(?:[^"\\]|\\.)*"|\*\*?)\])*)$`)
	index  = regexp.MustCompile(`\[("(?:[^"\\]|\\.)*"|\*\*?)\]`)
)

func parse(source string) (*path, error) {
	match := syntax.FindStringSubmatch(source)
	if match == nil {
		return nil, fmt.Errorf("%s: is no path", source)
	}
	level, ok := contexts[match[1]]
	if !ok {
		return nil, fmt.Errorf("%s: there is no such context", source)
	}
	p := &path{source: source, context: match[1], field: match[2], level: level}
	for _, found := range index.FindAllStringSubmatch(match[3], -1) {
		if strings.HasPrefix(found[1], "*") {
			p.reach = found[1]
			continue
		}
		var key string
		if err := json.Unmarshal([]byte(found[1]), &key); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		p.keys = append(p.keys, key)
	}
	for kind, names := range fields {
		for _, name := range strings.Fields(names) {
			if name == p.field {
				p.kind = kind
			}
		}
	}
	if p.kind == "" {
		return nil, fmt.Errorf("%s: is of a field that this helper does not know: try it in a host", source)
	}
	if p.context == "resource" || p.context == "scope" {
		p.steps = append(p.steps, p.context)
	}
	for _, step := range strings.Split(p.field, ".") {
		head, rest, _ := strings.Cut(step, "_")
		for rest != "" {
			var part string
			part, rest, _ = strings.Cut(rest, "_")
			head += strings.ToUpper(part[:1]) + part[1:]
		}
		p.steps = append(p.steps, head)
	}
	return p, nil
}

func (p *path) isKeyed() bool { return len(p.keys) > 0 || p.reach != "" }

// covers says whether an edit of a cell is within the path.
func (p *path) covers(c *cell) bool {
	if p.context != c.path.context || p.field != c.path.field || len(c.keys) < len(p.keys) {
		return false
	}
	for at, key := range p.keys {
		if c.keys[at] != key {
			return false
		}
	}
	return p.reach != "*" || len(c.keys) == len(p.keys)+1
}

// cells are the cells of one row.
func (p *path) cells(row *row, at uint32, form types.Cells) []*cell {
	if form != types.CellsScalars && form != types.CellsPrinted {
		return nil
	}
	slot, ok := p.root(row, false)
	if !ok {
		return nil
	}
	f := finder{path: p, form: form}
	f.under(p.keys, cell{path: p, row: row, at: at, slot: slot})
	return f.found
}

// write puts a value, or takes it out where there is none.
func (p *path) write(row *row, keys []string, value object, mode types.Mode) {
	slot, ok := p.root(row, value != nil)
	if !ok {
		return
	}
	if len(keys) == 0 {
		_, isThere := slot.holder[slot.name]
		switch {
		case value == nil:
			delete(slot.holder, slot.name)
		case mode == types.ModeUpsert || isThere == (mode == types.ModeUpdate):
			slot.put(value)
		}
		return
	}
	entries := slot.entries()
	for _, element := range entries.elements() {
		entry := element.(object)
		if entry["key"] != keys[0] {
			continue
		}
		if value == nil {
			entries.remove(entry)
		} else if mode != types.ModeInsert {
			entry["value"] = value
		}
		return
	}
	if value != nil && mode != types.ModeUpdate {
		entries.add(object{"key": keys[0], "value": value})
	}
}

func (p *path) root(row *row, create bool) (slot, bool) {
	holder := row.object
	for _, step := range p.steps[:len(p.steps)-1] {
		next, ok := holder[step].(object)
		if !ok {
			if !create {
				return slot{}, false
			}
			next = object{}
			holder[step] = next
		}
		holder = next
	}
	name := p.steps[len(p.steps)-1]
	_, isThere := holder[name]
	return slot{holder: holder, name: name, kind: p.kind}, isThere || create
}

type finder struct {
	path  *path
	form  types.Cells
	found []*cell
}

func (f *finder) under(keys []string, c cell) {
	switch {
	case len(keys) > 0 || f.path.reach == "*":
		for at, element := range c.slot.entries().elements() {
			entry := element.(object)
			if len(keys) > 0 && entry["key"] != keys[0] {
				continue
			}
			inner := c.inside(at, entry, c.slot.entries())
			if len(keys) > 0 {
				f.under(keys[1:], inner)
			} else {
				f.scalar(inner, false)
			}
		}
	case f.path.reach == "**":
		f.deep(c)
	default:
		f.scalar(c, false)
	}
}

func (f *finder) deep(c cell) {
	for at, element := range c.slot.entries().elements() {
		entry := element.(object)
		inner := c.inside(at, entry, c.slot.entries())
		key := inner
		key.isKey, key.slot = true, slot{holder: entry, name: "key", kind: text}
		f.scalar(key, false)
		f.deep(inner)
	}
	for at, element := range c.slot.items().elements() {
		f.deep(c.inside(at, element.(object), c.slot.items()))
	}
	f.scalar(c, true)
}

// scalar takes a cell whose value crosses over.
func (f *finder) scalar(c cell, isDeep bool) {
	if c.fill(f.form, isDeep) {
		f.found = append(f.found, &c)
	}
}
