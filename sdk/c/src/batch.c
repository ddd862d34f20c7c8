/* The batch, unpacked cell by cell from the columns that the host packed; nothing is copied. */

#include "packed.h"

tg_signal tg_batch_signal(const tg_batch *batch) {
  return (tg_signal)batch->packed.signal;
}

/* Number `i` of texts that lie end to end; an empty one where there is no such number. */
static tg_text part(const types(packed) *packed, size_t i) {
  if (i >= packed->ends.len) return tg_text_of("");
  uint32_t start = i == 0 ? 0 : packed->ends.ptr[i - 1], end = packed->ends.ptr[i];
  if (start > end || end > packed->bytes.len) return tg_text_of("");
  return (tg_text){(const char *)packed->bytes.ptr + start, end - start};
}

tg_cells tg_batch_cells(const tg_batch *batch, tg_read_id read) {
  tg_cells cells = {.batch = batch, .read = read};
  const size_t room = sizeof cells.at / sizeof *cells.at;
  for (uint32_t i = 0; i < batch->packed.columns.len && cells.columns < room; i++) {
    if (batch->packed.columns.ptr[i].read == read) cells.at[cells.columns++].column = i;
  }
  return cells;
}

static void fill(const tg_batch *batch, const types(column) *column, uint32_t i, tg_cell *cell) {
  *cell = (tg_cell){.id = column->first_cell + i, .row = column->rows.ptr[i]};
  if (i < column->keys.len) cell->key = part(&batch->packed.dictionary, column->keys.ptr[i]);
  else cell->key = tg_text_of("");
  cell->is_key = column->part == TIDEGATE_PROCESSOR_TYPES_PART_KEY;
  cell->type = (tg_type)column->values.tag;
  switch (cell->type) {
    case TG_TEXT:
    case TG_BYTES:
    case TG_ENCODED: cell->text = part(&column->values.val.text, i); break;
    case TG_SIGNED: cell->number.signed_ = column->values.val.signed_.ptr[i]; break;
    case TG_UNSIGNED: cell->number.unsigned_ = column->values.val.unsigned_.ptr[i]; break;
    case TG_DOUBLE: cell->number.double_ = column->values.val.double_.ptr[i]; break;
    case TG_BOOLEAN: cell->number.boolean = column->values.val.boolean.ptr[i]; break;
  }
}

bool tg_next_cell(tg_cells *cells, tg_cell *cell) {
  const types(column) *columns = cells->batch->packed.columns.ptr;
  size_t best = cells->columns;
  /* A read has one or two columns as a rule, so that looking at each is the fastest merge. */
  for (size_t i = 0; i < cells->columns; i++) {
    const types(column) *column = &columns[cells->at[i].column];
    if (cells->at[i].next >= column->rows.len) continue;
    if (best == cells->columns) best = i;
    const types(column) *other = &columns[cells->at[best].column];
    if (column->rows.ptr[cells->at[i].next] < other->rows.ptr[cells->at[best].next]) best = i;
  }
  if (best == cells->columns) return false;
  const types(column) *column = &columns[cells->at[best].column];
  uint32_t i = cells->at[best].next++, match = cells->at[best].match;
  fill(cells->batch, column, i, cell);
  cell->matches = (const tg_match *)(column->matches.ptr + match);
  while (match < column->matches.len && column->matches.ptr[match].index == i) match++;
  cell->match_count = match - cells->at[best].match;
  cells->at[best].match = match;
  return true;
}

bool tg_next_part(const tg_cell *cell, size_t *at, tg_range *out) {
  if (*at >= cell->match_count) return false;
  *out = (tg_range){cell->matches[*at].start, cell->matches[*at].end};
  for (++*at; *at < cell->match_count && cell->matches[*at].start < out->end; ++*at) {
    if (cell->matches[*at].end > out->end) out->end = cell->matches[*at].end;
  }
  return true;
}

static const types(rows) *rows_of(const tg_batch *batch, tg_level level, size_t *position) {
  for (size_t i = 0; i < batch->packed.levels.len; i++) {
    *position = i;
    if (batch->packed.levels.ptr[i].level == (uint8_t)level) return &batch->packed.levels.ptr[i];
  }
  return NULL;
}

uint32_t tg_count(const tg_batch *batch, tg_level level) {
  size_t at;
  const types(rows) *rows = rows_of(batch, level, &at);
  return rows ? rows->count : 0;
}

bool tg_ancestor(const tg_batch *batch, tg_level level, uint32_t row, tg_level above, uint32_t *ancestor) {
  while (level != above) {
    size_t at;
    const types(rows) *rows = rows_of(batch, level, &at);
    if (!rows || row >= rows->parents.len || at == 0) return false;
    row = rows->parents.ptr[row];
    /* Events, links and exemplars lie side by side under their item. */
    level = level > TG_ITEM ? TG_ITEM : (tg_level)batch->packed.levels.ptr[at - 1].level;
  }
  *ancestor = row;
  return true;
}
