package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tidegate.dev/tidegate"
	"tidegate.dev/tidegate/tidegatetest"
)

var signals = map[string]tidegate.Signal{"logs": tidegate.Logs, "traces": tidegate.Traces, "metrics": tidegate.Metrics}

type testCase struct {
	Signal          string
	Config, In, Out json.RawMessage
}

func read(t *testing.T, file string) testCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var one testCase
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatal(err)
	}
	return one
}

const cases = "../../../../tests/conformance/cases/"

// The cases that the sample has to pass in a host, too.
func TestDoesWhatItDoesInAHost(t *testing.T) {
	files, err := filepath.Glob(cases + "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no cases", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			one := read(t, file)
			tester, err := tidegatetest.New(&MaskEmails{}, Config{Mask: "[email]"}, signals[one.Signal], string(one.Config))
			if err != nil {
				t.Fatal(err)
			}
			after, err := tester.Process(one.In)
			if err != nil {
				t.Fatal(err)
			}
			expected, err := tidegatetest.Parse(one.Out)
			if err != nil {
				t.Fatal(err)
			}
			if expected == nil {
				// A request of which nothing is left is not delivered.
				expected = map[string]any{"resourceLogs": []any{}}
			}
			if !reflect.DeepEqual(after, expected) {
				t.Errorf("\n%v is not\n%v", after, expected)
			}
		})
	}
}

func TestSaysWhichKeyIsWrong(t *testing.T) {
	_, err := tidegatetest.New(&MaskEmails{}, Config{Mask: "[email]"}, tidegate.Logs, `{"maks":""}`)
	if err == nil || err.Error() != `unknown field "maks"` {
		t.Errorf("%v", err)
	}
}

func TestCountsAndTells(t *testing.T) {
	tester, err := tidegatetest.New(&MaskEmails{}, Config{Mask: "[email]"}, tidegate.Logs, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tester.Process(read(t, cases+"dropped.json").In); err != nil {
		t.Fatal(err)
	}
	if tester.Counter("masked") != 3 || !slices.Contains(tester.Lines(), "dropped 5 items") {
		t.Errorf("%d %v", tester.Counter("masked"), tester.Lines())
	}
}
