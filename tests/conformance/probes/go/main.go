// Makes each kind of edit, of each type of value, for a test that looks at what becomes of them.
package main

import (
	"fmt"
	"time"

	"tidegate.dev/tidegate"
)

type probe struct {
	isLogs                                                     bool
	replaced, removed, numbers, printed, copied, routed, times tidegate.ReadID
	any, erased, copy, severity                                tidegate.WriteID
	side                                                       tidegate.RouteID
}

func (p *probe) Configure(signal tidegate.Signal, _ struct{}) (*tidegate.Plan, error) {
	plan := tidegate.NewPlan()
	p.isLogs = signal == tidegate.Logs
	if !p.isLogs {
		return plan, nil
	}
	p.replaced = plan.Read(`log.attributes["replaced"]`)
	p.removed = plan.Read(`log.attributes["removed"]`)
	p.numbers = plan.Read(`log.attributes["number"]`)
	p.printed = plan.ReadPrinted(`log.attributes["printed"]`)
	p.copied = plan.ReadWhole(`log.attributes["copied"]`)
	p.routed = plan.Read(`log.attributes["routed"]`)
	p.times = plan.Read("log.time_unix_nano")
	p.any = plan.Write("log.attributes[*]")
	p.erased = plan.Write(`log.attributes["erased"]`)
	p.copy = plan.Write(`log.attributes["copy"]`)
	p.severity = plan.Write("log.severity_text")
	p.side = plan.Route("side")
	return plan, nil
}

func (p *probe) Process(context *tidegate.Context, batch *tidegate.Batch, edits *tidegate.Edits) error {
	if !p.isLogs {
		return nil
	}
	rows := tidegate.Range{End: batch.Count(tidegate.Item)}
	for cell := range batch.Cells(p.replaced) {
		edits.Replace(cell.ID(), "in place of "+cell.Text())
	}
	for cell := range batch.Cells(p.removed) {
		edits.Remove(cell.ID())
	}
	for cell := range batch.Cells(p.numbers) {
		switch value := cell.Value().(type) {
		case bool:
			edits.Replace(cell.ID(), !value)
		case int64:
			edits.Replace(cell.ID(), value+1)
		case float64:
			edits.Replace(cell.ID(), value/2)
		}
	}
	for cell := range batch.Cells(p.printed) {
		edits.Replace(cell.ID(), "<"+cell.Text()+">")
	}
	for cell := range batch.Cells(p.copied) {
		edits.Upsert(p.copy, tidegate.Row(cell.Row()), tidegate.Upsert, cell.Value())
	}
	for cell := range batch.Cells(p.times) {
		edits.UpsertKey(p.any, tidegate.Row(cell.Row()), "time", tidegate.Upsert, fmt.Sprint(cell.Value()))
	}
	edits.UpsertKey(p.any, rows, "inserted", tidegate.Insert, 1.5)
	edits.UpsertKey(p.any, rows, "updated", tidegate.Update, true)
	edits.UpsertKey(p.any, rows, "bytes", tidegate.Upsert, []byte{0, 255})
	edits.UpsertKey(p.any, rows, "clock", tidegate.Upsert, uint64(time.Now().UnixNano()) == context.Now())
	edits.Upsert(p.severity, rows, tidegate.Upsert, "PROBED")
	edits.Erase(p.erased, rows)
	for cell := range batch.Cells(p.routed) {
		edits.RouteRows(tidegate.Item, tidegate.Row(cell.Row()), p.side)
	}
	return nil
}

func init() { tidegate.Export(&probe{}, struct{}{}) }

func main() {}
