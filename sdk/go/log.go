package tidegate

import "fmt"

// LogDebug writes a line for the module's author in the collector's own log, with the module's name and digest. The host
// bounds the length and the rate of lines.
func LogDebug(format string, arguments ...any) { writeLine(0, fmt.Sprintf(format, arguments...)) }

// LogInfo writes a line for the record.
func LogInfo(format string, arguments ...any) { writeLine(1, fmt.Sprintf(format, arguments...)) }

// LogWarn writes a line about something that is off, and handled.
func LogWarn(format string, arguments ...any) { writeLine(2, fmt.Sprintf(format, arguments...)) }

// LogError writes a line about something that failed.
func LogError(format string, arguments ...any) { writeLine(3, fmt.Sprintf(format, arguments...)) }

// Count adds to the module's counter of this name: letters, digits and underscores. It is a call to the host, so add up
// first.
func Count(name string, value uint64) { addToCounter(name, value) }
