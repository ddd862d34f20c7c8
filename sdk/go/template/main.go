// Masks what a pattern finds in the bodies of log records.
package main

import "tidegate.dev/tidegate"

// Config is what the operator writes under config.
type Config struct {
	Pattern string `json:"pattern"`
	Mask    string `json:"mask"`
}

var defaults = Config{Mask: "***"}

// Masks is the processor.
type Masks struct {
	mask string
	body tidegate.ReadID
}

// Configure asks for the bodies that the pattern finds something in.
func (m *Masks) Configure(signal tidegate.Signal, config Config) (*tidegate.Plan, error) {
	if config.Pattern == "" {
		return nil, tidegate.At("pattern", "has to be a regular expression")
	}
	m.mask = config.Mask
	plan := tidegate.NewPlan()
	if signal == tidegate.Logs {
		m.body = plan.ReadPatterns("log.body", tidegate.Pattern{Source: config.Pattern, Name: "pattern"})
		plan.Write("log.body")
	}
	return plan, nil
}

// Process masks it.
func (m *Masks) Process(_ *tidegate.Context, batch *tidegate.Batch, edits *tidegate.Edits) error {
	if batch.Signal() != tidegate.Logs {
		return nil
	}
	mask := edits.Text(m.mask)
	count := uint64(0)
	for cell := range batch.Cells(m.body) {
		for part := range cell.Parts() {
			edits.Splice(cell.ID(), part, mask)
			count++
		}
	}
	tidegate.Count("masked", count)
	return nil
}

func init() { tidegate.Export(&Masks{}, defaults) }

func main() {}
