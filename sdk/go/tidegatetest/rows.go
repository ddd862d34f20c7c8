package tidegatetest

import (
	"errors"

	"tidegate.dev/tidegate"
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

type object = map[string]any

// list is a list of JSON where it lies, so that something can be taken out of it.
type list struct {
	holder object
	name   string
}

func (l list) elements() []any {
	elements, _ := l.holder[l.name].([]any)
	return elements
}

func (l list) add(element any) { l.holder[l.name] = append(l.elements(), element) }

func (l list) remove(gone object) {
	left := []any{}
	for _, element := range l.elements() {
		if !same(element, gone) {
			left = append(left, element)
		}
	}
	l.holder[l.name] = left
}

// row is one row of a level.
type row struct {
	object    object
	container list
	parent    uint32
	above     *row
	// How many rows under it are left, of those without which it goes.
	left int
}

type rows struct{ levels [7][]*row }

func (r *rows) at(level tidegate.Level) []*row { return r.levels[level] }

func (r *rows) add(level tidegate.Level, container list, above *row, parent int, counts bool) []*row {
	var added []*row
	for _, element := range container.elements() {
		if object, ok := element.(object); ok {
			added = append(added, &row{object: object, container: container, parent: uint32(parent), above: above})
		}
	}
	if above != nil && counts {
		above.left += len(added)
	}
	r.levels[level] = append(r.levels[level], added...)
	return added
}

// rowsOf are the rows of a request in OTLP/JSON, in the order of the payload.
func rowsOf(request object, signal tidegate.Signal) rows {
	names := map[tidegate.Signal][3]string{
		tidegate.Logs:    {"resourceLogs", "scopeLogs", "logRecords"},
		tidegate.Traces:  {"resourceSpans", "scopeSpans", "spans"},
		tidegate.Metrics: {"resourceMetrics", "scopeMetrics", "metrics"},
	}[signal]
	var all rows
	for o, origin := range all.add(tidegate.Origin, list{request, names[0]}, nil, 0, true) {
		scopes := len(all.levels[tidegate.Scope])
		for s, scope := range all.add(tidegate.Scope, list{origin.object, names[1]}, origin, o, true) {
			if signal != tidegate.Metrics {
				all.items(list{scope.object, names[2]}, scope, scopes+s)
				continue
			}
			metrics := len(all.levels[tidegate.Metric])
			for m, metric := range all.add(tidegate.Metric, list{scope.object, names[2]}, scope, scopes+s, true) {
				for _, kind := range []string{"gauge", "sum", "histogram", "exponentialHistogram", "summary"} {
					if points, ok := metric.object[kind].(object); ok {
						all.items(list{points, "dataPoints"}, metric, metrics+m)
					}
				}
			}
		}
	}
	return all
}

func (r *rows) items(container list, above *row, parent int) {
	first := len(r.levels[tidegate.Item])
	for i, item := range r.add(tidegate.Item, container, above, parent, true) {
		for level, name := range map[tidegate.Level]string{
			tidegate.Event: "events", tidegate.Link: "links", tidegate.Exemplar: "exemplars",
		} {
			r.add(level, list{item.object, name}, item, first+i, false)
		}
	}
}

func (r *rows) packed() []types.Rows {
	var levels []types.Rows
	for level, rows := range r.levels {
		packed := types.Rows{Level: uint8(level), Count: uint32(len(rows))}
		for _, row := range rows {
			if row.above != nil {
				packed.Parents = append(packed.Parents, row.parent)
			}
		}
		// A signal's items have no metric above them where it has none.
		if len(rows) > 0 || level != int(tidegate.Metric) {
			levels = append(levels, packed)
		}
	}
	return levels
}

func (r *rows) chosen(level tidegate.Level, first, end uint32) ([]*row, error) {
	if first > end || int(end) > len(r.levels[level]) {
		return nil, errors.New("an edit is of rows that do not exist")
	}
	return r.levels[level][first:end], nil
}

func (r *row) isUnder(other *row) bool {
	for ; r != nil; r = r.above {
		if r == other {
			return true
		}
	}
	return false
}

// drop takes it out, and what is left without items with it; a span without events stays.
func (r *row) drop() {
	r.container.remove(r.object)
	if r.above != nil && r.above.left > 0 {
		if r.above.left--; r.above.left == 0 {
			r.above.drop()
		}
	}
}
