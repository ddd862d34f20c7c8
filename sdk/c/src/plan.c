/* The plan, collected into the lists that the host gets; it frees them by the generated bindings. */

#include <stdlib.h>
#include <string.h>

#include "packed.h"

static processor_string_t copy(const char *string) {
  processor_string_t out = {NULL, strlen(string)};
  if (out.len) {
    out.ptr = tg_alloc(out.len);
    memcpy(out.ptr, string, out.len);
  }
  return out;
}

static uint32_t add(processor_list_string_t *list, const char *string) {
  list->ptr = realloc(list->ptr, (list->len + 1) * sizeof *list->ptr);
  if (!list->ptr) abort();
  list->ptr[list->len] = copy(string);
  return (uint32_t)list->len++;
}

static bool has(const processor_list_string_t *list, const char *string, uint32_t *at) {
  for (*at = 0; *at < list->len; ++*at) {
    processor_string_t *known = &list->ptr[*at];
    if (tg_text_is((tg_text){(const char *)known->ptr, known->len}, string)) return true;
  }
  return false;
}

static tg_read_id read_as(tg_plan *plan, const char *path, const tg_pattern *patterns, size_t count, uint8_t cells) {
  tidegate_processor_types_list_read_t *reads = &plan->packed.reads;
  reads->ptr = realloc(reads->ptr, (reads->len + 1) * sizeof *reads->ptr);
  if (!reads->ptr) abort();
  types(read) *read = &reads->ptr[reads->len];
  memset(read, 0, sizeof *read);
  read->path = copy(path);
  read->cells = cells;
  for (size_t i = 0; i < count; i++) {
    add(&read->patterns, patterns[i].source);
    add(&read->names, patterns[i].name ? patterns[i].name : "");
  }
  return (tg_read_id)reads->len++;
}

tg_read_id tg_read(tg_plan *plan, const char *path) {
  return read_as(plan, path, NULL, 0, TIDEGATE_PROCESSOR_TYPES_CELLS_SCALARS);
}

tg_read_id tg_read_matching(tg_plan *plan, const char *path, const tg_pattern *patterns, size_t count) {
  return read_as(plan, path, patterns, count, TIDEGATE_PROCESSOR_TYPES_CELLS_SCALARS);
}

tg_read_id tg_read_printed(tg_plan *plan, const char *path, const tg_pattern *patterns, size_t count) {
  return read_as(plan, path, patterns, count, TIDEGATE_PROCESSOR_TYPES_CELLS_PRINTED);
}

tg_read_id tg_read_whole(tg_plan *plan, const char *path, const tg_pattern *keys, size_t count) {
  return read_as(plan, path, keys, count, TIDEGATE_PROCESSOR_TYPES_CELLS_WHOLE);
}

tg_read_id tg_read_composites(tg_plan *plan, const char *path) {
  return read_as(plan, path, NULL, 0, TIDEGATE_PROCESSOR_TYPES_CELLS_COMPOSITES);
}

tg_write_id tg_write(tg_plan *plan, const char *path) {
  return add(&plan->packed.writes, path);
}

static void word(tg_plan *plan, const char *word) {
  uint32_t at;
  if (!has(&plan->packed.writes, word, &at)) add(&plan->packed.writes, word);
}

void tg_may_drop(tg_plan *plan) {
  word(plan, "drop");
}

tg_route_id tg_route(tg_plan *plan, const char *name) {
  word(plan, "route");
  uint32_t at;
  return has(&plan->packed.routes, name, &at) ? at : add(&plan->packed.routes, name);
}

void tg_remember(tg_plan *plan) {
  plan->packed.state = TIDEGATE_PROCESSOR_TYPES_STATE_REBUILDABLE;
}
