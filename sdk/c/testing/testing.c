#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/packed.h"
#include "pattern.h"
#include "rows.h"

struct tg_tester {
  tg_signal signal;
  types(plan) plan;
  path *reads, *writes;
  const char *error;
  unsigned calls;
};

/* ---- What the host gives, kept to be looked at ---- */

static struct {
  char *names[64];
  uint64_t values[64];
  size_t len;
} counters;
static tree_text lines;

void __wasm_import_tidegate_processor_log_write(int32_t level, uint8_t *text, size_t len);
void __wasm_import_tidegate_processor_log_write(int32_t level, uint8_t *text, size_t len) {
  (void)level;
  tree_add(&lines, "\n", 1);
  tree_add(&lines, (const char *)text, len);
  tree_add(&lines, "\n", 1);
}

void __wasm_import_tidegate_processor_counters_add(uint8_t *name, size_t len, int64_t value);
void __wasm_import_tidegate_processor_counters_add(uint8_t *name, size_t len, int64_t value) {
  size_t i = 0;
  while (i < counters.len && !tg_text_is((tg_text){(char *)name, len}, counters.names[i])) i++;
  if (i == counters.len) counters.names[counters.len++] = tree_copy((char *)name, len);
  counters.values[i] += (uint64_t)value;
}

uint64_t tg_tester_counter(const char *name) {
  for (size_t i = 0; i < counters.len; i++) {
    if (strcmp(counters.names[i], name) == 0) return counters.values[i];
  }
  return 0;
}

bool tg_tester_said(const char *line) {
  char *framed = tg_alloc(strlen(line) + 3);
  sprintf(framed, "\n%s\n", line);
  return lines.ptr && strstr(lines.ptr, framed);
}

const char *tg_tester_error(const tg_tester *tester) {
  return tester->error;
}

unsigned tg_tester_calls(const tg_tester *tester) {
  return tester->calls;
}

char *tg_file(const char *name) {
  FILE *file = fopen(name, "rb");
  if (!file) {
    perror(name);
    exit(1);
  }
  tree_text text = {0};
  char part[4096];
  size_t len;
  while ((len = fread(part, 1, sizeof part, file)) > 0) tree_add(&text, part, len);
  fclose(file);
  return text.ptr ? text.ptr : tree_copy("", 0);
}

bool tg_json_equal(const char *one, const char *other) {
  json left, right;
  return json_read(&left, one, strlen(one)) && json_read(&right, other, strlen(other)) && tree_equal(&left, &right);
}

/* ---- The plan ---- */

static char *string(processor_string_t text) {
  return tree_copy((const char *)text.ptr, text.len);
}

static bool is_word(const char *write) {
  return strcmp(write, "drop") == 0 || strcmp(write, "route") == 0;
}

tg_tester *tg_tester_new(tg_signal signal, const char *config) {
  tg_tester *tester = tg_alloc(sizeof *tester);
  memset(tester, 0, sizeof *tester);
  tester->signal = signal;
  processor_string_t json = {(uint8_t *)tree_copy(config, strlen(config)), strlen(config)}, error;
  if (!exports_processor_configure((processor_signal_t)signal, &json, &tester->plan, &error)) {
    tester->error = string(error);
    return tester;
  }
  tester->reads = tg_alloc((tester->plan.reads.len + 1) * sizeof(path));
  tester->writes = tg_alloc((tester->plan.writes.len + 1) * sizeof(path));
  for (size_t i = 0; i < tester->plan.reads.len; i++) {
    const types(read) *read = &tester->plan.reads.ptr[i];
    if (!path_parse(string(read->path), &tester->reads[i]) || read->cells != TIDEGATE_PROCESSOR_TYPES_CELLS_SCALARS) {
      tester->error = tg_fail_at(string(read->path), "this helper does not know such a read: try it in a host");
    }
  }
  for (size_t i = 0; i < tester->plan.writes.len; i++) {
    char *write = string(tester->plan.writes.ptr[i]);
    if (!is_word(write) && !path_parse(write, &tester->writes[i])) {
      tester->error = tg_fail_at(write, "this helper does not know such a field: try it in a host");
    }
  }
  return tester;
}

/* ---- From a request to a batch ---- */

static int by_start(const void *one, const void *other) {
  const tg_match *a = one, *b = other;
  if (a->start != b->start) return a->start < b->start ? -1 : 1;
  return a->pattern < b->pattern ? -1 : a->pattern > b->pattern;
}

/* Runs the patterns of a read over a cell, and says whether any matched. */
static bool scan(cell *cell, const types(read) *read) {
  for (uint32_t number = 0; number < read->patterns.len; number++) {
    const char *pattern = string(read->patterns.ptr[number]);
    tg_range found;
    for (size_t from = 0; pattern_next(pattern, cell->contents.ptr, cell->contents.len, from, &found);) {
      cell->matches = realloc(cell->matches, (cell->match_count + 1) * sizeof *cell->matches);
      if (!cell->matches) abort();
      cell->matches[cell->match_count++] = (tg_match){0, number, found.start, found.end};
      from = found.end > found.start ? found.end : found.end + 1;
    }
  }
  if (cell->match_count > 1) qsort(cell->matches, cell->match_count, sizeof *cell->matches, by_start);
  return cell->match_count > 0;
}

static void pack(types(packed) *packed, tg_text part) {
  packed->bytes.ptr = realloc(packed->bytes.ptr, packed->bytes.len + part.len + 1);
  packed->ends.ptr = realloc(packed->ends.ptr, (packed->ends.len + 1) * sizeof *packed->ends.ptr);
  if (!packed->bytes.ptr || !packed->ends.ptr) abort();
  memcpy(packed->bytes.ptr + packed->bytes.len, part.ptr, part.len);
  packed->bytes.len += part.len;
  packed->ends.ptr[packed->ends.len++] = (uint32_t)packed->bytes.len;
}

static void push(processor_list_u32_t *list, uint32_t number) {
  list->ptr = realloc(list->ptr, (list->len + 1) * sizeof *list->ptr);
  if (!list->ptr) abort();
  list->ptr[list->len++] = number;
}

static uint32_t intern(types(packed) *dictionary, const char *key) {
  uint32_t start = 0;
  for (uint32_t i = 0; i < dictionary->ends.len; start = dictionary->ends.ptr[i++]) {
    tg_text known = {(const char *)dictionary->bytes.ptr + start, dictionary->ends.ptr[i] - start};
    if (tg_text_is(known, key)) return i;
  }
  pack(dictionary, tg_text_of(key));
  return (uint32_t)dictionary->ends.len - 1;
}

/* Adds the cells of a read that are of one part and type as a column; `all` takes them in the order of their numbers. */
static void column(types(batch) *batch, uint32_t read, bool is_key, tg_type type, const cell_list *found, cell_list *all) {
  types(column) column;
  memset(&column, 0, sizeof column);
  column.read = read;
  column.part = is_key;
  column.first_cell = (uint32_t)all->len;
  column.values.tag = (uint8_t)type;
  for (size_t i = 0; i < found->len; i++) {
    const cell *cell = &found->cells[i];
    if (cell->is_key != is_key || cell->type != type) continue;
    uint32_t index = (uint32_t)column.rows.len;
    push(&column.rows, cell->row);
    if (cell->path->reach || cell->path->key_count) {
      push(&column.keys, intern(&batch->dictionary, cell->key_count ? cell->keys[cell->key_count - 1] : ""));
    }
    push(&column.within, cell->within);
    pack(&column.values.val.text, cell->contents);
    for (size_t m = 0; m < cell->match_count; m++) {
      column.matches.ptr = realloc(column.matches.ptr, (column.matches.len + 1) * sizeof *column.matches.ptr);
      if (!column.matches.ptr) abort();
      tg_match match = cell->matches[m];
      column.matches.ptr[column.matches.len++] = (types(pattern_match)){index, match.pattern, match.start, match.end};
    }
    all->cells = realloc(all->cells, (all->len + 1) * sizeof *all->cells);
    if (!all->cells) abort();
    all->cells[all->len++] = *cell;
  }
  if (column.rows.len == 0) return;
  batch->columns.ptr = realloc(batch->columns.ptr, (batch->columns.len + 1) * sizeof column);
  if (!batch->columns.ptr) abort();
  batch->columns.ptr[batch->columns.len++] = column;
}

static void read_cells(tg_tester *tester, uint32_t number, const request_rows *rows, cell_list *found) {
  const path *path = &tester->reads[number];
  const types(read) *read = &tester->plan.reads.ptr[number];
  cell_list all = {0};
  for (uint32_t i = 0; i < rows->levels[path->level].len; i++) cells_find(path, i, rows->levels[path->level].rows[i].object, &all);
  for (size_t i = 0; i < all.len; i++) {
    if (read->patterns.len && !scan(&all.cells[i], read)) continue;
    all.cells[found->len++] = all.cells[i];
  }
  found->cells = all.cells;
  for (size_t i = 0; i < found->len; i++) {
    uint32_t key = 0;
    for (size_t j = 0; j < found->len; j++) {
      if (!found->cells[j].is_key) continue;
      key++;
      if (cell_is_around(&found->cells[j], &found->cells[i])) found->cells[i].within = key;
    }
  }
}

static void project(tg_tester *tester, const request_rows *rows, types(batch) *batch, cell_list *all) {
  memset(batch, 0, sizeof *batch);
  batch->signal = (uint8_t)tester->signal;
  for (uint32_t number = 0; number < tester->plan.reads.len; number++) {
    cell_list found = {0};
    read_cells(tester, number, rows, &found);
    for (int is_key = 0; is_key < 2; is_key++) {
      for (tg_type type = TG_TEXT; type <= TG_BYTES; type++) column(batch, number, is_key, type, &found, all);
    }
  }
  for (int level = 0; level < 7; level++) {
    if (level == TG_METRIC && tester->signal != TG_METRICS) continue;
    types(rows) packed = {.level = (uint8_t)level, .count = rows->levels[level].len};
    for (uint32_t i = 0; level > 0 && i < packed.count; i++) push(&packed.parents, rows->levels[level].rows[i].parent);
    batch->levels.ptr = realloc(batch->levels.ptr, (batch->levels.len + 1) * sizeof packed);
    if (!batch->levels.ptr) abort();
    batch->levels.ptr[batch->levels.len++] = packed;
  }
}

/* ---- From a script to a request ---- */

typedef struct {
  tg_tester *tester;
  request_rows *rows;
  cell_list cells;
  types(script) script;
  const char *error;
} application;

static void fail(application *to, const char *problem) {
  if (!to->error) to->error = problem;
}

static bool may(const tg_tester *tester, const char *word) {
  for (size_t i = 0; i < tester->plan.writes.len; i++) {
    processor_string_t write = tester->plan.writes.ptr[i];
    if (tg_text_is((tg_text){(char *)write.ptr, write.len}, word)) return true;
  }
  return false;
}

static const char *text_at(const application *to, types(slice) slice) {
  return (const char *)to->script.text.ptr + slice.start;
}

static char *base64(const char *bytes, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *out = tg_alloc(len * 2 + 5), *at = out;
  for (size_t i = 0; i < len; i += 3) {
    uint32_t held = (uint32_t)(unsigned char)bytes[i] << 16;
    if (i + 1 < len) held |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
    if (i + 2 < len) held |= (unsigned char)bytes[i + 2];
    *at++ = digits[held >> 18];
    *at++ = digits[held >> 12 & 63];
    *at++ = i + 1 < len ? digits[held >> 6 & 63] : '=';
    *at++ = i + 2 < len ? digits[held & 63] : '=';
  }
  *at = 0;
  return out;
}

/* Writes an edit's value into an `AnyValue`. */
static void put(application *to, json *any, const types(value) *value) {
  char number[32];
  switch (value->tag) {
    case TIDEGATE_PROCESSOR_TYPES_VALUE_TEXT:
      tree_set(any, "stringValue", text_at(to, value->val.text), value->val.text.end - value->val.text.start);
      return;
    case TIDEGATE_PROCESSOR_TYPES_VALUE_BYTES: {
      char *text = base64(text_at(to, value->val.bytes), value->val.bytes.end - value->val.bytes.start);
      tree_set(any, "bytesValue", text, strlen(text));
      return;
    }
    case TIDEGATE_PROCESSOR_TYPES_VALUE_SIGNED:
      snprintf(number, sizeof number, "%lld", (long long)value->val.signed_);
      tree_set(any, "intValue", number, strlen(number));
      return;
    case TIDEGATE_PROCESSOR_TYPES_VALUE_DOUBLE:
      snprintf(number, sizeof number, "%.17g", value->val.double_);
      tree_set(any, "doubleValue", number, strlen(number));
      any->items[0].type = JSON_NUMBER;
      any->items[0].number = value->val.double_;
      return;
    case TIDEGATE_PROCESSOR_TYPES_VALUE_BOOLEAN:
      tree_set(any, "boolValue", "", 0);
      any->items[0].type = JSON_BOOL;
      any->items[0].truth = value->val.boolean;
      return;
    default: fail(to, "an encoded value is beyond this helper: try it in a host");
  }
}

static int last_first(const void *one, const void *other) {
  const types(splice) *a = one, *b = other;
  return a->start < b->start ? 1 : a->start > b->start ? -1 : 0;
}

/* Puts new parts into a text or byte string: from the last to the first, so that none moves another. */
static void splice(application *to, const cell *cell, types(splice) *splices, size_t count) {
  qsort(splices, count, sizeof *splices, last_first);
  tree_text after = {0};
  tree_add(&after, cell->contents.ptr, cell->contents.len);
  size_t before = after.len;
  for (size_t i = 0; i < count; i++) {
    types(splice) *part = &splices[i];
    if (part->end > before || part->start > part->end) {
      fail(to, "two splices overlap, or one is outside its cell");
      return;
    }
    tree_text next = {0};
    tree_add(&next, after.ptr, part->start);
    tree_add(&next, text_at(to, part->with), part->with.end - part->with.start);
    tree_add(&next, after.ptr + part->end, after.len - part->end);
    after = next;
    before = part->start;
  }
  if (cell->is_plain) {
    cell->value->text = after.ptr;
    cell->value->text_len = after.len;
  } else if (cell->type == TG_BYTES) {
    char *text = base64(after.ptr, after.len);
    tree_set(cell->value, "bytesValue", text, strlen(text));
  } else {
    tree_set(cell->value, "stringValue", after.ptr, after.len);
  }
}

static uint32_t cell_of(const types(edit) *edit) {
  switch (edit->tag) {
    case TIDEGATE_PROCESSOR_TYPES_EDIT_SPLICE: return edit->val.splice.cell;
    case TIDEGATE_PROCESSOR_TYPES_EDIT_REPLACE: return edit->val.replace.cell;
    case TIDEGATE_PROCESSOR_TYPES_EDIT_REMOVE: return edit->val.remove;
    default: return UINT32_MAX;
  }
}

/* The edits of one cell. */
static void edit_cell(application *to, uint32_t number) {
  const cell *cell = &to->cells.cells[number];
  types(splice) *splices = tg_alloc(to->script.edits.len * sizeof *splices);
  size_t count = 0, others = 0;
  const types(edit) *other = NULL;
  for (size_t i = 0; i < to->script.edits.len; i++) {
    const types(edit) *edit = &to->script.edits.ptr[i];
    uint32_t of = cell_of(edit);
    if (of != number) continue;
    if (edit->tag == TIDEGATE_PROCESSOR_TYPES_EDIT_SPLICE) splices[count++] = edit->val.splice;
    else {
      others++;
      other = edit;
    }
  }
  if (count + others == 0) return;
  bool covered = false;
  for (size_t i = 0; i < to->tester->plan.writes.len; i++) {
    const path *write = &to->tester->writes[i];
    if (!is_word(string(to->tester->plan.writes.ptr[i])) && path_covers(write, cell)) covered = true;
  }
  if (!covered) fail(to, "an edit is outside the plan's writes");
  else if (rows_dropped(to->rows, cell->path->level, cell->row)) fail(to, "an edit lies in a row that another edit drops");
  else if (others > 1 || (others && count)) fail(to, "two edits of one cell");
  else if (!others) splice(to, cell, splices, count);
  else if (other->tag == TIDEGATE_PROCESSOR_TYPES_EDIT_REMOVE) cell->element->gone = true;
  else if (!cell->is_plain) put(to, cell->value, &other->val.replace.value);
  else {
    json any = {0};
    put(to, &any, &other->val.replace.value);
    if (to->error) return;
    cell->value->text = any.items[0].text;
    cell->value->text_len = any.items[0].text_len;
  }
}

/* Nothing may be edited under something that is removed. */
static void look_for_removals(application *to) {
  for (size_t i = 0; i < to->script.edits.len; i++) {
    const types(edit) *removal = &to->script.edits.ptr[i];
    if (removal->tag != TIDEGATE_PROCESSOR_TYPES_EDIT_REMOVE || removal->val.remove >= to->cells.len) continue;
    for (size_t j = 0; j < to->script.edits.len; j++) {
      uint32_t of = cell_of(&to->script.edits.ptr[j]);
      if (of < to->cells.len && cell_is_around(&to->cells.cells[removal->val.remove], &to->cells.cells[of])) {
        fail(to, "an edit lies under something that another edit removes");
      }
    }
  }
}

/* Writes a field of a row, or takes it out where there is no value. */
static void write_row(application *to, const path *path, json *object, const char *key, const types(value) *value, uint8_t mode) {
  json *root = path_root(path, object, value != NULL && path->is_attributes);
  if (!path->is_attributes) {
    bool there = root != NULL;
    if (!value) {
      if (root) root->gone = true;
    } else if (mode == TG_UPSERT || there == (mode == TG_UPDATE)) {
      root = path_root(path, object, true);
      json any = {0};
      put(to, &any, value);
      if (path->is_any) root->items = any.items, root->len = any.len;
      else if (!to->error) root->text = any.items[0].text, root->text_len = any.items[0].text_len;
    }
    return;
  }
  for (size_t i = 0; root && i < root->len; i++) {
    json *entry = &root->items[i], *name = json_at(entry, "key");
    if (entry->gone || !name || strcmp(name->text, key) != 0) continue;
    if (!value) entry->gone = true;
    else if (mode != TG_INSERT) put(to, tree_member(entry, "value", JSON_MAP), value);
    return;
  }
  if (!value || mode == TG_UPDATE) return;
  json *entry = tree_push(root);
  entry->type = JSON_MAP;
  json *name = tree_member(entry, "key", JSON_TEXT);
  name->text = tree_copy(key, strlen(key));
  name->text_len = strlen(key);
  put(to, tree_member(entry, "value", JSON_MAP), value);
}

static void write_rows(application *to, const types(edit) *edit) {
  bool erases = edit->tag == TIDEGATE_PROCESSOR_TYPES_EDIT_ERASE;
  const types(upsert) *upsert = &edit->val.upsert;
  const types(erase) *erase = &edit->val.erase;
  uint32_t write = erases ? erase->write : upsert->write;
  uint32_t first = erases ? erase->first_row : upsert->first_row, end = erases ? erase->end_row : upsert->end_row;
  types(slice) slice = erases ? erase->key : upsert->key;
  const path *path = &to->tester->writes[write];
  const char *key = path->key_count ? path->keys[0] : "";
  if (path->reach) key = tree_copy(text_at(to, slice), slice.end - slice.start);
  if (end > to->rows->levels[path->level].len || path->key_count > 1) {
    fail(to, "an edit is of rows that do not exist, or deeper than this helper writes");
    return;
  }
  for (uint32_t row = first; row < end; row++) {
    if (rows_dropped(to->rows, path->level, row)) fail(to, "an edit lies in a row that another edit drops");
    json *object = to->rows->levels[path->level].rows[row].object;
    write_row(to, path, object, key, erases ? NULL : &upsert->value, erases ? 0 : upsert->mode);
  }
}

static void apply(application *to) {
  for (size_t i = 0; i < to->script.edits.len; i++) {
    const types(edit) *edit = &to->script.edits.ptr[i];
    if (edit->tag == TIDEGATE_PROCESSOR_TYPES_EDIT_ROUTE && !may(to->tester, "route")) fail(to, "the plan does not route");
    if (edit->tag != TIDEGATE_PROCESSOR_TYPES_EDIT_DROP) continue;
    level_rows *level = &to->rows->levels[edit->val.drop.level];
    if (!may(to->tester, "drop")) fail(to, "the plan does not drop");
    if (edit->val.drop.end_row > level->len) fail(to, "an edit is of rows that do not exist");
    for (uint32_t row = edit->val.drop.first_row; !to->error && row < edit->val.drop.end_row; row++) level->rows[row].dropped = true;
  }
  look_for_removals(to);
  for (uint32_t number = 0; !to->error && number < to->cells.len; number++) edit_cell(to, number);
  for (size_t i = 0; !to->error && i < to->script.edits.len; i++) {
    uint8_t tag = to->script.edits.ptr[i].tag;
    if (tag == TIDEGATE_PROCESSOR_TYPES_EDIT_UPSERT || tag == TIDEGATE_PROCESSOR_TYPES_EDIT_ERASE) {
      write_rows(to, &to->script.edits.ptr[i]);
    }
  }
  rows_prune(to->rows);
}

const char *tg_tester_process(tg_tester *tester, const char *text) {
  json request;
  if (!json_read(&request, text, strlen(text))) {
    tester->error = "the request is no JSON";
    return NULL;
  }
  request_rows rows = {.signal = tester->signal};
  rows_find(&rows, &request);
  types(batch) batch;
  application to = {.tester = tester, .rows = &rows};
  project(tester, &rows, &batch, &to.cells);
  bool needed = tester->plan.reads.len == 0 || to.cells.len > 0;
  for (size_t i = 0; i < tester->plan.reads.len; i++) needed = needed || tester->plan.reads.ptr[i].patterns.len == 0;
  if (needed) {
    tester->calls++;
    processor_context_t context;
    memset(&context, 0, sizeof context);
    processor_string_t error;
    if (!exports_processor_process(&context, &batch, &to.script, &error)) {
      tester->error = string(error);
      return NULL;
    }
    apply(&to);
    tester->error = to.error;
    if (to.error) return NULL;
  }
  tree_text out = {0};
  tree_write(&request, &out);
  return out.ptr;
}
