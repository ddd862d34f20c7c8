/* Makes each kind of edit, of each type of value, for a test that looks at what becomes of them. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tidegate.h"

static struct {
  bool is_logs;
  tg_read_id replaced, removed, numbers, printed, copied, routed, times;
  tg_write_id any, erased, copy, severity;
  tg_route_id side;
} self;

tg_error tg_configure(tg_signal signal, tg_config *config, tg_plan *plan) {
  (void)config;
  self.is_logs = signal == TG_LOGS;
  if (!self.is_logs) return NULL;
  self.replaced = tg_read(plan, "log.attributes[\"replaced\"]");
  self.removed = tg_read(plan, "log.attributes[\"removed\"]");
  self.numbers = tg_read(plan, "log.attributes[\"number\"]");
  self.printed = tg_read_printed(plan, "log.attributes[\"printed\"]", NULL, 0);
  self.copied = tg_read_whole(plan, "log.attributes[\"copied\"]", NULL, 0);
  self.routed = tg_read(plan, "log.attributes[\"routed\"]");
  self.times = tg_read(plan, "log.time_unix_nano");
  self.any = tg_write(plan, "log.attributes[*]");
  self.erased = tg_write(plan, "log.attributes[\"erased\"]");
  self.copy = tg_write(plan, "log.attributes[\"copy\"]");
  self.severity = tg_write(plan, "log.severity_text");
  self.side = tg_route(plan, "side");
  return NULL;
}

static tg_value value_of(const tg_cell *cell) {
  switch (cell->type) {
    case TG_TEXT: return tg_value_text(cell->text);
    case TG_BYTES: return tg_value_bytes(cell->text);
    case TG_ENCODED: return tg_value_encoded(cell->text);
    case TG_SIGNED:
    case TG_UNSIGNED: return tg_value_int(cell->number.signed_);
    case TG_DOUBLE: return tg_value_double(cell->number.double_);
    case TG_BOOLEAN: return tg_value_bool(cell->number.boolean);
  }
  return tg_value_bool(false);
}

static void replace(tg_edits *edits, const tg_cell *cell, const char *before, const char *after) {
  char text[128];
  int len = snprintf(text, sizeof text, "%s%.*s%s", before, (int)cell->text.len, cell->text.ptr, after);
  tg_replace(edits, cell->id, tg_value_text((tg_text){text, (size_t)len}));
}

tg_error tg_process(const tg_context *context, const tg_batch *batch, tg_edits *edits) {
  if (!self.is_logs) return NULL;
  tg_range rows = {0, tg_count(batch, TG_ITEM)};
  tg_cell cell;
  tg_cells cells = tg_batch_cells(batch, self.replaced);
  while (tg_next_cell(&cells, &cell)) replace(edits, &cell, "in place of ", "");
  cells = tg_batch_cells(batch, self.removed);
  while (tg_next_cell(&cells, &cell)) tg_remove(edits, cell.id);
  cells = tg_batch_cells(batch, self.numbers);
  while (tg_next_cell(&cells, &cell)) {
    tg_value value = value_of(&cell);
    if (cell.type == TG_BOOLEAN) value.number.boolean = !value.number.boolean;
    else if (cell.type == TG_SIGNED) value.number.signed_++;
    else value.number.double_ /= 2;
    tg_replace(edits, cell.id, value);
  }
  cells = tg_batch_cells(batch, self.printed);
  while (tg_next_cell(&cells, &cell)) replace(edits, &cell, "<", ">");
  cells = tg_batch_cells(batch, self.copied);
  while (tg_next_cell(&cells, &cell)) tg_upsert(edits, self.copy, (tg_range){cell.row, cell.row + 1}, TG_UPSERT, value_of(&cell));
  cells = tg_batch_cells(batch, self.times);
  while (tg_next_cell(&cells, &cell)) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)cell.number.unsigned_);
    tg_value time = tg_value_text(tg_text_of(text));
    tg_upsert_key(edits, self.any, (tg_range){cell.row, cell.row + 1}, tg_text_of("time"), TG_UPSERT, time);
  }
  bool clock = (uint64_t)time(NULL) == tg_now(context) / 1000000000;
  tg_upsert_key(edits, self.any, rows, tg_text_of("inserted"), TG_INSERT, tg_value_double(1.5));
  tg_upsert_key(edits, self.any, rows, tg_text_of("updated"), TG_UPDATE, tg_value_bool(true));
  tg_upsert_key(edits, self.any, rows, tg_text_of("bytes"), TG_UPSERT, tg_value_bytes((tg_text){"\0\xff", 2}));
  tg_upsert_key(edits, self.any, rows, tg_text_of("clock"), TG_UPSERT, tg_value_bool(clock));
  tg_upsert(edits, self.severity, rows, TG_UPSERT, tg_value_text(tg_text_of("PROBED")));
  tg_erase(edits, self.erased, rows);
  cells = tg_batch_cells(batch, self.routed);
  while (tg_next_cell(&cells, &cell)) tg_route_rows(edits, TG_ITEM, (tg_range){cell.row, cell.row + 1}, self.side);
  return NULL;
}
