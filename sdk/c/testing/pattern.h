/* A pattern of the host's, run by the system's `regexec`. */
#ifndef TIDEGATE_TESTING_PATTERN_H
#define TIDEGATE_TESTING_PATTERN_H

#include "../tidegate.h"

/* Takes the next match from a place on; false where there is none. Ends the program where the pattern is wrong. */
bool pattern_next(const char *source, const char *text, size_t len, size_t from, tg_range *found);

#endif
