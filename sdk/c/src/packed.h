/* The public names over what wit-bindgen makes of the contract. */
#ifndef TIDEGATE_PACKED_H
#define TIDEGATE_PACKED_H

#include "../tidegate.h"
#include "bindings/processor.h"

#define types(name) tidegate_processor_types_##name##_t

struct tg_plan {
  types(plan) packed;
};

struct tg_context {
  types(context) packed;
};

struct tg_batch {
  types(batch) packed;
};

/* Edits and their text grow; what is there of each is `len` of the script's lists. */
struct tg_edits {
  types(script) script;
  size_t edit_room, text_room;
};

/* A match lies in the host's memory as it is handed to the author. */
_Static_assert(sizeof(tg_match) == sizeof(types(pattern_match)), "tg_match is pattern-match");

void tg_edits_free(tg_edits *edits);
/* Makes room for one more in a list of `len`, of which there is room for `*room`. */
void *tg_grow(void *list, size_t len, size_t more, size_t *room, size_t size);

#endif
