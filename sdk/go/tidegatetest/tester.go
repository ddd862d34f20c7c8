// Package tidegatetest runs a processor on OTLP/JSON without a host: reads found, patterns run, the processor called, its edits
// applied.
//
// It stands in for the host as far as a unit test needs it, and differs:
//   - patterns are run by Go's regexp, whose syntax is the host's but for a few things that only the host knows, such as
//     character classes within one another and `\p` of a script's short name;
//   - reads of whole values and of composites have no cells here, and cells are not Encoded: try those in a host;
//   - of fields there are texts, numbers, bodies and attributes: no ids, no values of data points;
//   - limits and grants are not kept. That edits lie within the plan's writes, that they do not overlap, and that nothing is
//     edited under something removed or dropped is.
package tidegatetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"

	"tidegate.dev/tidegate"
	world "tidegate.dev/tidegate/internal/bindings/export_wit_world"
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
	"tidegate.dev/tidegate/internal/record"
	wit "tidegate.dev/tidegate/internal/wit/types"
)

// Tester is one configured instance of a processor. There is one at a time.
type Tester struct {
	signal  tidegate.Signal
	plan    types.Plan
	reads   []*path
	context types.Context
	// Calls is how often the processor was needed.
	Calls int
	// Routes are the rows of the last batch that it sent elsewhere.
	Routes []Route
}

// Route is a row that was sent to a route.
type Route struct {
	Level tidegate.Level
	Row   uint32
	Route string
}

// New configures a processor; config is what would stand under config in the YAML, as JSON.
func New[C any](processor tidegate.Processor[C], defaults C, signal tidegate.Signal, config string) (*Tester, error) {
	record.Clear()
	tidegate.Export(processor, defaults)
	configured := world.Configure(uint8(signal), config)
	if configured.IsErr() {
		return nil, errors.New(configured.Err())
	}
	t := &Tester{signal: signal, plan: configured.Ok(), context: types.Context{Cluster: wit.None[string]()}}
	for _, read := range t.plan.Reads {
		path, err := parse(read.Path)
		if err != nil {
			return nil, err
		}
		t.reads = append(t.reads, path)
	}
	return t, nil
}

// At sets the context's now, in nanoseconds since the Unix epoch.
func (t *Tester) At(now uint64) *Tester {
	t.context.Now = now
	return t
}

// InCluster binds the batches that follow to a cluster.
func (t *Tester) InCluster(cluster string) *Tester {
	t.context.Cluster = wit.Some(cluster)
	return t
}

// WithMetadata adds request metadata.
func (t *Tester) WithMetadata(key, value string) *Tester {
	t.context.Metadata = append(t.context.Metadata, wit.Tuple2[string, string]{F0: key, F1: value})
	return t
}

// Lines are what the processor logged.
func (t *Tester) Lines() []string {
	var lines []string
	for _, line := range record.Lines {
		lines = append(lines, line.Text)
	}
	return lines
}

// Counter is what the processor counted under a name.
func (t *Tester) Counter(name string) uint64 { return record.Counters[name] }

// ProcessFile hands the request in a file of OTLP/JSON to the processor, and returns what becomes of it.
func (t *Tester) ProcessFile(name string) (any, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return t.Process(text)
}

// Process hands a request in OTLP/JSON to the processor, and returns what becomes of it, as Parse has it.
func (t *Tester) Process(text []byte) (any, error) {
	parsed, err := Parse(text)
	if err != nil {
		return nil, err
	}
	request, ok := parsed.(map[string]any)
	if !ok {
		return nil, errors.New("a request is a map")
	}
	rows := rowsOf(request, t.signal)
	p := projection{needed: len(t.plan.Reads) == 0}
	for number, read := range t.plan.Reads {
		if err := p.read(uint32(number), t.reads[number], read, rows); err != nil {
			return nil, err
		}
	}
	t.Routes = nil
	if !p.needed {
		return request, nil
	}
	t.Calls++
	answer := world.Process(t.context, types.Batch{
		Signal: uint8(t.signal), Levels: rows.packed(), Dictionary: packed(p.dictionary), Columns: p.columns,
	})
	if answer.IsErr() {
		return nil, errors.New(answer.Err())
	}
	t.Routes, err = apply(answer.Ok(), t.plan, rows, p.cells)
	return request, err
}

// Parse reads JSON with numbers as they are written, so that what Process returns compares with what is expected.
func Parse(text []byte) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	return value, err
}

// projection is a batch in the making.
type projection struct {
	cells      []*cell
	columns    []types.Column
	dictionary []string
	needed     bool
}

func (p *projection) read(number uint32, path *path, read types.Read, rows rows) error {
	var patterns []*regexp.Regexp
	for _, source := range read.Patterns {
		pattern, err := regexp.Compile(source)
		if err != nil {
			return err
		}
		patterns = append(patterns, pattern)
	}
	var found, keys []*cell
	for at, row := range rows.at(path.level) {
		for _, cell := range path.cells(row, uint32(at), read.Cells) {
			if len(patterns) == 0 || cell.scan(patterns) {
				found = append(found, cell)
			}
		}
	}
	p.needed = p.needed || len(patterns) == 0 || len(found) > 0
	for _, cell := range found {
		if cell.isKey {
			keys = append(keys, cell)
		}
	}
	for _, isKey := range []bool{false, true} {
		for kind := types.ValuesText; kind <= types.ValuesBoolean; kind++ {
			p.column(number, path, isKey, kind, found, keys)
		}
	}
	return nil
}

func (p *projection) column(number uint32, path *path, isKey bool, kind uint8, found, keys []*cell) {
	column := types.Column{Read: number, FirstCell: uint32(len(p.cells))}
	if isKey {
		column.Part = types.PartKey
	}
	var chosen []*cell
	for _, cell := range found {
		if cell.isKey != isKey || cell.kind != kind {
			continue
		}
		column.Rows = append(column.Rows, cell.at)
		if path.isKeyed() {
			column.Keys = append(column.Keys, p.intern(cell.key()))
		}
		if len(keys) > 0 {
			within := uint32(0)
			for at, key := range keys {
				if key.isAround(cell) {
					within = uint32(at) + 1
				}
			}
			column.Within = append(column.Within, within)
		}
		for _, match := range cell.matches {
			match.Index = uint32(len(chosen))
			column.Matches = append(column.Matches, match)
		}
		chosen = append(chosen, cell)
	}
	if len(chosen) == 0 {
		return
	}
	column.Values = values(kind, chosen)
	p.cells = append(p.cells, chosen...)
	p.columns = append(p.columns, column)
}

func (p *projection) intern(key string) uint32 {
	for at, known := range p.dictionary {
		if known == key {
			return uint32(at)
		}
	}
	p.dictionary = append(p.dictionary, key)
	return uint32(len(p.dictionary) - 1)
}

func packed[T string | []byte](parts []T) types.Packed {
	var packed types.Packed
	for _, part := range parts {
		packed.Bytes = append(packed.Bytes, part...)
		packed.Ends = append(packed.Ends, uint32(len(packed.Bytes)))
	}
	return packed
}
