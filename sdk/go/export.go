package tidegate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	world "tidegate.dev/tidegate/internal/bindings/export_wit_world"
	types "tidegate.dev/tidegate/internal/bindings/tidegate_processor_types"
	wit "tidegate.dev/tidegate/internal/wit/types"
)

// Export makes a processor the module's: call it once, in an init function of package main. What the operator does not
// write is as in defaults.
func Export[C any](processor Processor[C], defaults C) {
	world.Configure = func(signal types.Signal, text string) wit.Result[types.Plan, string] {
		defer tellPanic()
		plan, err := configure(processor, defaults, Signal(signal), text)
		if err != nil {
			return wit.Err[types.Plan](err.Error())
		}
		world.Process = func(context types.Context, batch types.Batch) wit.Result[types.Script, string] {
			defer tellPanic()
			setNow(context.Now)
			edits := newEdits()
			if err := processor.Process(&Context{context}, &Batch{batch}, edits); err != nil {
				return wit.Err[types.Script](sentence(err))
			}
			return wit.Ok[types.Script, string](edits.script)
		}
		return wit.Ok[types.Plan, string](plan.packed)
	}
}

func configure[C any](processor Processor[C], config C, signal Signal, text string) (*Plan, error) {
	if err := decode(text, &config); err != nil {
		return nil, err
	}
	plan, err := processor.Configure(signal, config)
	if err != nil {
		return nil, errors.New(sentence(err))
	}
	if plan == nil {
		return nil, errors.New("Configure returned neither a plan nor an error")
	}
	return plan, nil
}

// sentence is never empty, which an error must not be.
func sentence(err error) string {
	if text := err.Error(); text != "" {
		return text
	}
	return "an error without a word"
}

// decode reads a configuration, with errors that name the key.
func decode(text string, config any) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(config)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return errors.New("the configuration has to be a map of keys and their values")
	case errors.As(err, &wrong):
		return At(wrong.Field, "has to be of type "+wrong.Type.String()+" and is a "+wrong.Value)
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	var more bytes.Buffer
	if _, err := io.Copy(&more, decoder.Buffered()); err != nil || len(bytes.TrimSpace(more.Bytes())) > 0 {
		return errors.New("the configuration has something after its end")
	}
	return nil
}

// tellPanic has a panic tell itself in the host's log before it becomes a trap, which says nothing.
func tellPanic() {
	problem := recover()
	if problem == nil {
		return
	}
	LogError("panicked%s: %v", where(), problem)
	panic(problem)
}

// where is the innermost place outside Go's runtime and this file.
func where() string {
	counters := make([]uintptr, 32)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
		}
		if !more {
			return ""
		}
	}
}
