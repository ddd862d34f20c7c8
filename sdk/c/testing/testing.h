/* Runs a processor on OTLP/JSON without a host, in a native program: reads found, patterns run, the processor called, its edits
 * applied. Compile it with the files of `src` and the processor's own; see the Makefile of a project.
 *
 * It stands in for the host as far as a unit test needs it, and differs:
 * - patterns are run by the system's `regexec`: of what matches at a place it takes the longest and not the first that is
 *   written, and there is nothing but brackets, groups, repetition, alternatives, `^`, `$`, `\d`, `\s` and `\w`;
 * - reads that are printed, whole or of composites have no cells here, and cells are not encoded: try those in a host;
 * - of fields there are bodies, attributes and texts: no numbers, ids or values of data points;
 * - limits and grants are not kept. That edits lie within the plan's writes, that they do not overlap, and that nothing is
 *   edited in a row that is dropped is; routes are taken and not shown.
 * What it takes from memory it does not give back. */
#ifndef TIDEGATE_TESTING_H
#define TIDEGATE_TESTING_H

#include "../tidegate.h"

typedef struct tg_tester tg_tester;

/* Configures the processor, once in a program; `config` is what would stand under `config` in the YAML, as JSON. Where the
 * processor refuses it, there is an error. */
tg_tester *tg_tester_new(tg_signal signal, const char *config);
/* Hands a request in OTLP/JSON to the processor, and returns what becomes of it; NULL where there is an error. */
const char *tg_tester_process(tg_tester *tester, const char *request);
/* What went wrong last; NULL where nothing did. */
const char *tg_tester_error(const tg_tester *tester);
/* How often the processor was needed. */
unsigned tg_tester_calls(const tg_tester *tester);
/* What the processor counted under a name, and whether it logged a line. */
uint64_t tg_tester_counter(const char *name);
bool tg_tester_said(const char *line);

/* Reads a file as a text of C; ends the program where it cannot. */
char *tg_file(const char *path);
/* Whether two texts of JSON are equal, whatever the order of the keys in their maps. */
bool tg_json_equal(const char *one, const char *other);

#endif
