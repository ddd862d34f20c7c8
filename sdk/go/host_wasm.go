//go:build wasm

package tidegate

import (
	// The world's exports, which the linker keeps.
	_ "tidegate.dev/tidegate/internal/bindings/exports"
	counters "tidegate.dev/tidegate/internal/bindings/tidegate_processor_counters"
	log "tidegate.dev/tidegate/internal/bindings/tidegate_processor_log"
)

func writeLine(level uint8, line string) { log.Write(level, pinnable(line)) }

func addToCounter(name string, value uint64) { counters.Add(pinnable(name), value) }

// setNow tells the clock in the component what time it is.
//
//go:wasmimport wasi_snapshot_preview1 tidegate_set_now
func setNow(nanoseconds uint64)
