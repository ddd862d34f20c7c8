package tidegate

import (
	"slices"
	"unsafe"

	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
)

// ReadID is a field of the plan that is read.
type ReadID uint32

// WriteID is a field of the plan that is written.
type WriteID uint32

// RouteID is a route of the plan.
type RouteID uint32

// Plan is what a processor asks the host for: fields to read, fields to write, routes.
//
// Paths are those of OTTL: log.body, resource.attributes["cluster.id"], span.attributes[*] for each value of the map,
// log.attributes[**] for every text, byte string and map key in it, however deep.
type Plan struct{ packed types.Plan }

// NewPlan is a plan that asks for nothing.
func NewPlan() *Plan { return &Plan{} }

// Read asks for the cells of this path.
func (p *Plan) Read(path string) ReadID { return p.read(path, types.CellsScalars, nil) }

// ReadMatching asks for those in which one of the patterns matches, with the matches. The host runs them.
func (p *Plan) ReadMatching(path string, patterns ...string) ReadID {
	return p.read(path, types.CellsScalars, unnamed(patterns))
}

// Pattern is a regular expression that comes from the configuration's key Name: where it is wrong, that is what the
// operator reads.
type Pattern struct{ Source, Name string }

// ReadPatterns is ReadMatching with patterns that have names.
func (p *Plan) ReadPatterns(path string, patterns ...Pattern) ReadID {
	return p.read(path, types.CellsScalars, patterns)
}

// ReadPrinted asks for the cells as text, numbers and truth values printed. What is no text itself can be replaced and not
// spliced.
func (p *Plan) ReadPrinted(path string, patterns ...Pattern) ReadID {
	return p.read(path, types.CellsPrinted, patterns)
}

// ReadWhole asks for attributes with values of any type, lists and maps encoded: all, or those in whose key one of the
// patterns matches.
func (p *Plan) ReadWhole(path string, keys ...Pattern) ReadID {
	return p.read(path, types.CellsWhole, keys)
}

// ReadComposites asks for lists, maps and values without a member, encoded, and nothing else.
func (p *Plan) ReadComposites(path string) ReadID { return p.read(path, types.CellsComposites, nil) }

// Write lets edits touch this path.
func (p *Plan) Write(path string) WriteID {
	p.packed.Writes = append(p.packed.Writes, pinnable(path))
	return WriteID(len(p.packed.Writes) - 1)
}

// DropRows lets edits drop rows.
func (p *Plan) DropRows() { p.word("drop") }

// Route lets edits send rows to the route of this name; asking twice gives the same route.
func (p *Plan) Route(name string) RouteID {
	p.word("route")
	at := slices.Index(p.packed.Routes, name)
	if at < 0 {
		at = len(p.packed.Routes)
		p.packed.Routes = append(p.packed.Routes, pinnable(name))
	}
	return RouteID(at)
}

// Remember says that the instance remembers what it can afford to lose at a swap: there is then just one.
func (p *Plan) Remember() { p.packed.State = types.StateRebuildable }

func (p *Plan) read(path string, cells types.Cells, patterns []Pattern) ReadID {
	read := types.Read{Path: pinnable(path), Cells: cells}
	for _, pattern := range patterns {
		read.Patterns = append(read.Patterns, pinnable(pattern.Source))
		read.Names = append(read.Names, pinnable(pattern.Name))
	}
	p.packed.Reads = append(p.packed.Reads, read)
	return ReadID(len(p.packed.Reads) - 1)
}

func (p *Plan) word(word string) {
	if !slices.Contains(p.packed.Writes, word) {
		p.packed.Writes = append(p.packed.Writes, word)
	}
}

func unnamed(patterns []string) []Pattern {
	named := make([]Pattern, 0, len(patterns))
	for _, source := range patterns {
		named = append(named, Pattern{Source: source})
	}
	return named
}

var nothing byte

// pinnable gives an empty text an address: the bindings pin what crosses over, and no address cannot be pinned.
func pinnable(text string) string {
	if text == "" {
		return unsafe.String(&nothing, 0)
	}
	return text
}
