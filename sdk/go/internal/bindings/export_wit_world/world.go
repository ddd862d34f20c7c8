// Package export_wit_world is what the generated exports call: the SDK puts its own functions here.
package export_wit_world

import (
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
	wit "tidegate.dev/tidegate/internal/wit/types"
)

// Configure takes the configuration.
var Configure = func(types.Signal, string) wit.Result[types.Plan, string] {
	return wit.Err[types.Plan, string]("the module exports no processor: call tidegate.Export in an init function")
}

// Process takes one batch.
var Process = func(types.Context, types.Batch) wit.Result[types.Script, string] {
	return wit.Err[types.Script, string]("process was called before configure")
}
