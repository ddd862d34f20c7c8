/* Masks e-mail addresses in all texts, says how many in an attribute, and drops what is marked to be dropped. */

#include <stdlib.h>
#include <string.h>

#include "tidegate.h"

/* What the operator writes, and what was asked for. */
static struct {
  tg_text mask;
  bool keep_domain;
  /* Texts of items, of events within them, and of what is above them. */
  tg_read_id items[2], events, resources, drops;
  size_t item_reads;
  bool has_events;
  tg_write_id mark;
} self;

/* An address, and one in angle brackets: the two overlap. */
static const tg_pattern EMAILS[] = {
    {"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\\.)+[A-Za-z]{2,}", NULL},
    {"<[^<>@\\s]+@[^<>@\\s]+>", NULL},
};
static const tg_pattern YES = {"^yes$", NULL};

static tg_read_id masked(tg_plan *plan, const char *path) {
  tg_write(plan, path);
  return tg_read_matching(plan, path, EMAILS, 2);
}

tg_error tg_configure(tg_signal signal, tg_config *config, tg_plan *plan) {
  self.mask = tg_config_text(config, "mask", "[email]");
  self.keep_domain = tg_config_bool(config, "keep_domain", false);
  if (self.mask.len == 0) return tg_fail_at("mask", "has to be a text of one character or more");
  self.resources = masked(plan, "resource.attributes[**]");
  tg_may_drop(plan);
  switch (signal) {
    case TG_LOGS:
      self.items[self.item_reads++] = masked(plan, "log.attributes[**]");
      self.items[self.item_reads++] = masked(plan, "log.body[**]");
      self.drops = tg_read_matching(plan, "log.attributes[\"drop\"]", &YES, 1);
      self.mark = tg_write(plan, "log.attributes[\"masked\"]");
      break;
    case TG_TRACES:
      self.items[self.item_reads++] = masked(plan, "span.attributes[**]");
      self.events = masked(plan, "spanevent.attributes[**]");
      self.has_events = true;
      self.drops = tg_read_matching(plan, "span.attributes[\"drop\"]", &YES, 1);
      self.mark = tg_write(plan, "span.attributes[\"masked\"]");
      break;
    case TG_METRICS:
      self.items[self.item_reads++] = masked(plan, "datapoint.attributes[**]");
      self.drops = tg_read_matching(plan, "datapoint.attributes[\"drop\"]", &YES, 1);
      self.mark = tg_write(plan, "datapoint.attributes[\"masked\"]");
      break;
  }
  tg_log(TG_INFO, "masks e-mail addresses with %.*s", (int)self.mask.len, self.mask.ptr);
  return NULL;
}

/* Masks the addresses in a cell, and says how many. */
static uint32_t mask(tg_edits *edits, tg_stored with, const tg_cell *cell) {
  uint32_t count = 0;
  tg_range part;
  for (size_t at = 0; tg_next_part(cell, &at, &part); count++) {
    if (self.keep_domain) {
      const char *from = cell->text.ptr;
      part.end = (uint32_t)((const char *)memchr(from + part.start, '@', part.end - part.start) - from);
    }
    tg_splice(edits, cell->id, part, with);
  }
  return count;
}

tg_error tg_process(const tg_context *context, const tg_batch *batch, tg_edits *edits) {
  (void)context;
  uint32_t items = tg_count(batch, TG_ITEM), total = 0, drops = 0;
  tg_stored with = tg_store(edits, self.mask);
  uint32_t *counts = calloc(items + 1, sizeof *counts);
  bool *dropped = calloc(items + 1, sizeof *dropped);
  if (!counts || !dropped) return tg_fail("there is no memory left");

  tg_cell cell;
  tg_cells cells = tg_batch_cells(batch, self.drops);
  while (tg_next_cell(&cells, &cell)) {
    dropped[cell.row] = true;
    tg_drop_rows(edits, TG_ITEM, (tg_range){cell.row, cell.row + 1});
    drops++;
  }
  cells = tg_batch_cells(batch, self.resources);
  while (tg_next_cell(&cells, &cell)) total += mask(edits, with, &cell);
  for (size_t i = 0; i < self.item_reads; i++) {
    cells = tg_batch_cells(batch, self.items[i]);
    while (tg_next_cell(&cells, &cell)) {
      /* What is dropped must not be edited. */
      if (!dropped[cell.row]) counts[cell.row] += mask(edits, with, &cell);
    }
  }
  if (self.has_events) {
    cells = tg_batch_cells(batch, self.events);
    while (tg_next_cell(&cells, &cell)) {
      uint32_t item;
      bool inside = tg_ancestor(batch, TG_EVENT, cell.row, TG_ITEM, &item);
      if (inside && !dropped[item]) counts[item] += mask(edits, with, &cell);
    }
  }
  for (uint32_t row = 0; row < items; row++) {
    if (counts[row] > 0) tg_upsert(edits, self.mark, (tg_range){row, row + 1}, TG_UPSERT, tg_value_int(counts[row]));
    total += counts[row];
  }
  if (total > 0) tg_count_up("masked", total);
  if (drops > 0) tg_log(TG_INFO, "dropped %u items", drops);
  free(counts);
  free(dropped);
  return NULL;
}
