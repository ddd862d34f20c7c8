//go:build !wasm

package tidegate

import "tidegate.dev/tidegate/internal/record"

func writeLine(level uint8, line string) {
	record.Lines = append(record.Lines, record.Line{Level: level, Text: line})
}

func addToCounter(name string, value uint64) { record.Counters[name] += value }

func setNow(uint64) {}
