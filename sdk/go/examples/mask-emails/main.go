// Masks e-mail addresses in all texts, says how many in an attribute, and drops what is marked to be dropped.
package main

import (
	"bytes"

	"tidegate.dev/tidegate"
)

// Config is what the operator writes.
type Config struct {
	Mask       string `json:"mask"`
	KeepDomain bool   `json:"keep_domain"`
}

// MaskEmails reads texts of items, of events within them and of resources, each with the patterns below.
type MaskEmails struct {
	config                   Config
	items, events, resources []tidegate.ReadID
	drops                    tidegate.ReadID
	mark                     tidegate.WriteID
}

const (
	address = `[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}`
	// What stands in angle brackets overlaps with the address in it.
	bracketed = `<[^<>@\s]+@[^<>@\s]+>`
)

// Configure asks for what the signal has.
func (m *MaskEmails) Configure(signal tidegate.Signal, config Config) (*tidegate.Plan, error) {
	if config.Mask == "" {
		return nil, tidegate.At("mask", "has to be a text of one character or more")
	}
	plan := tidegate.NewPlan()
	masked := func(path string) tidegate.ReadID {
		plan.Write(path)
		return plan.ReadMatching(path, address, bracketed)
	}
	m.config = config
	m.resources = append(m.resources, masked("resource.attributes[**]"))
	context := map[tidegate.Signal]string{tidegate.Logs: "log", tidegate.Traces: "span", tidegate.Metrics: "datapoint"}[signal]
	m.items = append(m.items, masked(context+".attributes[**]"))
	switch signal {
	case tidegate.Logs:
		m.items = append(m.items, masked("log.body[**]"))
	case tidegate.Traces:
		m.events = append(m.events, masked("spanevent.attributes[**]"))
	}
	m.drops = plan.ReadMatching(context+`.attributes["drop"]`, "^yes$")
	m.mark = plan.Write(context + `.attributes["masked"]`)
	plan.DropRows()
	tidegate.LogInfo("masks e-mail addresses with %s", config.Mask)
	return plan, nil
}

// Process masks what matched, but for what is dropped: that must not be edited.
func (m *MaskEmails) Process(_ *tidegate.Context, batch *tidegate.Batch, edits *tidegate.Edits) error {
	with := edits.Text(m.config.Mask)
	counts := make([]int, batch.Count(tidegate.Item))
	dropped := make([]bool, len(counts))
	total, drops := 0, 0
	for cell := range batch.Cells(m.drops) {
		dropped[cell.Row()] = true
		edits.DropRows(tidegate.Item, tidegate.Row(cell.Row()))
		drops++
	}
	for _, read := range m.resources {
		for cell := range batch.Cells(read) {
			total += m.mask(edits, with, cell)
		}
	}
	for _, read := range m.items {
		for cell := range batch.Cells(read) {
			if !dropped[cell.Row()] {
				counts[cell.Row()] += m.mask(edits, with, cell)
			}
		}
	}
	for _, read := range m.events {
		for cell := range batch.Cells(read) {
			if item, ok := batch.Ancestor(tidegate.Event, cell.Row(), tidegate.Item); ok && !dropped[item] {
				counts[item] += m.mask(edits, with, cell)
			}
		}
	}
	for row, count := range counts {
		if count > 0 {
			edits.Upsert(m.mark, tidegate.Row(uint32(row)), tidegate.Upsert, count)
			total += count
		}
	}
	if total > 0 {
		tidegate.Count("masked", uint64(total))
	}
	if drops > 0 {
		tidegate.LogInfo("dropped %d items", drops)
	}
	return nil
}

// mask masks the addresses in a cell, and says how many.
func (m *MaskEmails) mask(edits *tidegate.Edits, with tidegate.Text, cell tidegate.Cell) int {
	count := 0
	for part := range cell.Parts() {
		if m.config.KeepDomain {
			part.End = part.Start + uint32(bytes.IndexByte(cell.Contents()[part.Start:part.End], '@'))
		}
		edits.Splice(cell.ID(), part, with)
		count++
	}
	return count
}

func init() {
	tidegate.Export(&MaskEmails{}, Config{Mask: "[email]"})
}

func main() {}
