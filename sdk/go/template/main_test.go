package main

import (
	"os"
	"reflect"
	"testing"

	"tidegate.dev/tidegate"
	"tidegate.dev/tidegate/tidegatetest"
)

func TestMasksWhatThePatternFinds(t *testing.T) {
	config := `{"pattern": "password=[^ ]+", "mask": "password=***"}`
	masks, err := tidegatetest.New(&Masks{}, defaults, tidegate.Logs, config)
	if err != nil {
		t.Fatal(err)
	}
	after, err := masks.ProcessFile("fixtures/logs.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("fixtures/logs.expected.json")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := tidegatetest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(after, expected) || masks.Counter("masked") != 1 {
		t.Errorf("%v, %d masked", after, masks.Counter("masked"))
	}
}

func TestAPatternOfNothingIsRefused(t *testing.T) {
	_, err := tidegatetest.New(&Masks{}, defaults, tidegate.Logs, "{}")
	if err == nil || err.Error() != "pattern: has to be a regular expression" {
		t.Error(err)
	}
}
