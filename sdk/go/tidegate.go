// Package tidegate is for writing Tidegate processors in Go.
//
// A processor says once, in Configure, which fields it reads and writes; for each batch it sees the cells that it asked
// for and answers with edits. Export makes it the module's:
//
//	type Pins struct{ body tidegate.ReadID }
//
//	type Config struct {
//		Digits int `json:"digits"`
//	}
//
//	func (p *Pins) Configure(_ tidegate.Signal, config Config) (*tidegate.Plan, error) {
//		if config.Digits < 1 {
//			return nil, tidegate.At("digits", "has to be 1 or more")
//		}
//		plan := tidegate.NewPlan()
//		p.body = plan.ReadMatching("log.body", fmt.Sprintf(`\b\d{%d}\b`, config.Digits))
//		plan.Write("log.body")
//		return plan, nil
//	}
//
//	func (p *Pins) Process(_ *tidegate.Context, batch *tidegate.Batch, edits *tidegate.Edits) error {
//		stars := edits.Text("****")
//		for cell := range batch.Cells(p.body) {
//			for part := range cell.Parts() {
//				edits.Splice(cell.ID(), part, stars)
//			}
//		}
//		return nil
//	}
//
//	func init() { tidegate.Export(&Pins{}, Config{Digits: 4}) }
//
//	func main() {}
//
// There are no files and no network. time.Now tells the context's time within Process; what passes between two readings of
// it means nothing. Random numbers are a fixed sequence: take tidegate.Context.Seed. The same context and batch have to give
// the same edits, so range over no map where the order of edits or their text would come of it.
package tidegate

import (
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// Processor is what a module's author writes. C is a struct that encoding/json decodes the configuration into.
type Processor[C any] interface {
	// Configure takes the configuration: once, before any batch. An error names the key at fault, see At.
	Configure(signal Signal, config C) (*Plan, error)
	// Process takes one batch. What it does depends on its arguments alone, unless the plan says that the instance
	// remembers something. An error fails the batch as a whole.
	Process(context *Context, batch *Batch, edits *Edits) error
}

// Signal is one of the three kinds of telemetry; a batch is of one.
type Signal uint8

// The signals.
const (
	Logs    = Signal(types.SignalLogs)
	Traces  = Signal(types.SignalTraces)
	Metrics = Signal(types.SignalMetrics)
)

// Level is a level of a payload, outermost first.
type Level uint8

// The levels. An item is a log record, a span or a data point.
const (
	Origin   = Level(types.LevelOrigin)
	Scope    = Level(types.LevelScope)
	Metric   = Level(types.LevelMetric)
	Item     = Level(types.LevelItem)
	Event    = Level(types.LevelEvent)
	Link     = Level(types.LevelLink)
	Exemplar = Level(types.LevelExemplar)
)

// Range is from its start to before its end: bytes of a cell, or rows of a level.
type Range struct{ Start, End uint32 }

// Row is the range of one row.
func Row(row uint32) Range { return Range{row, row + 1} }

// Error is a sentence for the operator, and the key of the configuration that it is about, if any.
type Error struct{ Key, Problem string }

func (e *Error) Error() string {
	if e.Key == "" {
		return e.Problem
	}
	return e.Key + ": " + e.Problem
}

// At is an error at a key of the configuration, such as rules[2].route.
func At(key, problem string) error { return &Error{key, problem} }

// Context is all that a processor may know besides the cells: the same context and batch give the same edits.
type Context struct{ packed types.Context }

// Now is when the host took the batch, in nanoseconds since the Unix epoch.
func (c *Context) Now() uint64 { return c.packed.Now }

// Seed is a random number that is the same whenever this batch is replayed.
func (c *Context) Seed() uint64 { return c.packed.Seed }

// Cluster is the cluster.id that the batch was bound to at ingress.
func (c *Context) Cluster() (string, bool) {
	return c.packed.Cluster.SomeOr(""), c.packed.Cluster.IsSome()
}

// Metadata is the request metadata of this key, where it was granted.
func (c *Context) Metadata(key string) (string, bool) {
	for _, pair := range c.packed.Metadata {
		if pair.F0 == key {
			return pair.F1, true
		}
	}
	return "", false
}
