// Package record keeps what a processor says and counts where there is no host.
package record

// Line is a line of the log: its level, from 0 for debug to 3 for error, and its text.
type Line struct {
	Level uint8
	Text  string
}

// What was said and counted.
var (
	Lines    []Line
	Counters = map[string]uint64{}
)

// Clear forgets both.
func Clear() {
	Lines = nil
	Counters = map[string]uint64{}
}
