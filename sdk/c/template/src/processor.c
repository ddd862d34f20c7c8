/* Masks what a pattern finds in the bodies of log records. */

#include "tidegate.h"

/* What the operator writes under `config`, and what was asked for. */
static struct {
  tg_text mask;
  tg_read_id body;
} self;

tg_error tg_configure(tg_signal signal, tg_config *config, tg_plan *plan) {
  tg_text pattern = tg_config_text(config, "pattern", "");
  self.mask = tg_config_text(config, "mask", "***");
  if (pattern.len == 0) return tg_fail_at("pattern", "has to be a regular expression");
  if (signal == TG_LOGS) {
    /* A text of the configuration ends in a zero byte. */
    tg_pattern patterns[] = {{pattern.ptr, "pattern"}};
    self.body = tg_read_matching(plan, "log.body", patterns, 1);
    tg_write(plan, "log.body");
  }
  return NULL;
}

tg_error tg_process(const tg_context *context, const tg_batch *batch, tg_edits *edits) {
  (void)context;
  if (tg_batch_signal(batch) != TG_LOGS) return NULL;
  tg_stored mask = tg_store(edits, self.mask);
  uint64_t count = 0;
  tg_cells cells = tg_batch_cells(batch, self.body);
  for (tg_cell cell; tg_next_cell(&cells, &cell);) {
    tg_range part;
    for (size_t at = 0; tg_next_part(&cell, &at, &part); count++) tg_splice(edits, cell.id, part, mask);
  }
  tg_count_up("masked", count);
  return NULL;
}
