package tidegatetest

import (
	"reflect"
	"strings"
	"testing"

	"tidegate.dev/tidegate"
)

// probe does what a test gives it to do.
type probe struct {
	ask     func(*tidegate.Plan)
	process func(*tidegate.Batch, *tidegate.Edits)
}

func (p *probe) Configure(tidegate.Signal, struct{}) (*tidegate.Plan, error) {
	plan := tidegate.NewPlan()
	p.ask(plan)
	return plan, nil
}

func (p *probe) Process(_ *tidegate.Context, batch *tidegate.Batch, edits *tidegate.Edits) error {
	p.process(batch, edits)
	return nil
}

func run(t *testing.T, p *probe, request string) (any, error) {
	t.Helper()
	tester, err := New(p, struct{}{}, tidegate.Logs, "")
	if err != nil {
		t.Fatal(err)
	}
	return tester.Process([]byte(request))
}

func logs(records string) string {
	return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[` + records + `]}]}]}`
}

func expect(t *testing.T, p *probe, before, after string) {
	t.Helper()
	got, err := run(t, p, logs(before))
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := Parse([]byte(logs(after)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("\n%v is not\n%v", got, wanted)
	}
}

func TestAnUpsertWritesByItsMode(t *testing.T) {
	var write tidegate.WriteID
	expect(t, &probe{
		func(plan *tidegate.Plan) { write = plan.Write("log.attributes[*]") },
		func(batch *tidegate.Batch, edits *tidegate.Edits) {
			rows := tidegate.Range{End: batch.Count(tidegate.Item)}
			edits.UpsertKey(write, rows, "a", tidegate.Insert, 1)
			edits.UpsertKey(write, rows, "b", tidegate.Update, 2.5)
			edits.UpsertKey(write, rows, "c", tidegate.Upsert, true)
			edits.EraseKey(write, rows, "d")
		},
	}, `{"attributes":[{"key":"a","value":{"stringValue":"mine"}}]},
		{"attributes":[{"key":"b","value":{"stringValue":"old"}},{"key":"d","value":{"stringValue":"gone"}}]}`,
		`{"attributes":[{"key":"a","value":{"stringValue":"mine"}},{"key":"c","value":{"boolValue":true}}]},
		{"attributes":[{"key":"b","value":{"doubleValue":2.5}},{"key":"a","value":{"intValue":"1"}},{"key":"c","value":{"boolValue":true}}]}`)
}

func TestWhatIsPrintedIsText(t *testing.T) {
	var read tidegate.ReadID
	expect(t, &probe{
		func(plan *tidegate.Plan) {
			plan.Write("log.attributes[*]")
			read = plan.ReadPrinted("log.attributes[*]")
		},
		func(batch *tidegate.Batch, edits *tidegate.Edits) {
			for cell := range batch.Cells(read) {
				edits.Replace(cell.ID(), "<"+cell.Text()+">")
			}
		},
	}, `{"attributes":[{"key":"i","value":{"intValue":"7"}},{"key":"d","value":{"doubleValue":5.0}},
		{"key":"b","value":{"boolValue":true}}]}`,
		`{"attributes":[{"key":"i","value":{"stringValue":"<7>"}},{"key":"d","value":{"stringValue":"<5>"}},
		{"key":"b","value":{"stringValue":"<true>"}}]}`)
}

func TestARemovedAttributeTakesWhatIsInIt(t *testing.T) {
	var read tidegate.ReadID
	expect(t, &probe{
		func(plan *tidegate.Plan) {
			plan.Write("log.attributes[**]")
			read = plan.Read("log.attributes[**]")
		},
		func(batch *tidegate.Batch, edits *tidegate.Edits) {
			for cell := range batch.Cells(read) {
				if cell.IsKey() && cell.Key() == "a" {
					edits.Remove(cell.ID())
				}
				if !cell.IsKey() && cell.Key() == "b" {
					edits.Replace(cell.ID(), "seen")
				}
			}
		},
	}, `{"attributes":[{"key":"a","value":{"kvlistValue":{"values":[{"key":"deep","value":{"stringValue":"x"}}]}}},
		{"key":"b","value":{"stringValue":"y"}}]}`, `{"attributes":[{"key":"b","value":{"stringValue":"seen"}}]}`)
}

func TestWhatAHostWouldRefuseIsRefused(t *testing.T) {
	var read tidegate.ReadID
	reads := func(plan *tidegate.Plan) { read = plan.Read("log.body") }
	writes := func(plan *tidegate.Plan) {
		plan.Write("log.body")
		plan.DropRows()
		reads(plan)
	}
	first := func(batch *tidegate.Batch) tidegate.CellID {
		for cell := range batch.Cells(read) {
			return cell.ID()
		}
		return 0
	}
	replace := func(batch *tidegate.Batch, edits *tidegate.Edits) { edits.Replace(first(batch), "x") }
	parts := func(all ...tidegate.Range) func(*tidegate.Batch, *tidegate.Edits) {
		return func(batch *tidegate.Batch, edits *tidegate.Edits) {
			for _, part := range all {
				edits.Splice(first(batch), part, edits.Text("x"))
			}
		}
	}
	for told, p := range map[string]*probe{
		"outside the plan's writes": {reads, replace},
		"two splices overlap":       {writes, parts(tidegate.Range{Start: 0, End: 3}, tidegate.Range{Start: 2, End: 4})},
		"within a character":        {writes, parts(tidegate.Range{Start: 0, End: 1})},
		"another edit drops": {writes, func(batch *tidegate.Batch, edits *tidegate.Edits) {
			edits.DropRows(tidegate.Item, tidegate.Row(0))
			replace(batch, edits)
		}},
		"two edits of one cell": {writes, func(batch *tidegate.Batch, edits *tidegate.Edits) {
			replace(batch, edits)
			replace(batch, edits)
		}},
	} {
		_, err := run(t, p, logs(`{"body":{"stringValue":"éxyz"}}`))
		if err == nil || !strings.Contains(err.Error(), told) {
			t.Errorf("%s: %v", told, err)
		}
	}
}
