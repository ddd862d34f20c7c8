/* A configuration is a tree of JSON, with a record of the keys that were asked for. */
#ifndef TIDEGATE_CONFIG_H
#define TIDEGATE_CONFIG_H

#include "../tidegate.h"

/* Reads JSON; NULL is returned, and the error set, where it is no map. */
tg_config *tg_config_read(tg_text json, tg_error *error);
/* What was found wrong: a value of another type, else a key that nobody asked for. NULL where all is well. */
tg_error tg_config_problem(const tg_config *config);

#endif
