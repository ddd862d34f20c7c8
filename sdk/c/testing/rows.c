#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tg_level rows_above(tg_signal signal, tg_level level) {
  if (level > TG_ITEM) return TG_ITEM;
  if (level == TG_ITEM && signal != TG_METRICS) return TG_SCOPE;
  return (tg_level)(level - 1);
}

static void add(request_rows *rows, tg_level level, json *object, uint32_t parent) {
  level_rows *at = &rows->levels[level];
  at->rows = realloc(at->rows, (at->len + 1) * sizeof *at->rows);
  if (!at->rows) abort();
  at->rows[at->len++] = (row){object, parent, false};
}

/* The members of a list under a key; none where there is no such list. */
static size_t list(json *object, const char *key, json **items) {
  json *found = json_at(object, key);
  *items = found ? found->items : NULL;
  return found && found->type == JSON_LIST ? found->len : 0;
}

static void items(request_rows *rows, json *holder, const char *name, uint32_t parent) {
  static const char *const below[] = {"events", "links", "exemplars"};
  json *all, *inner;
  for (size_t i = 0, len = list(holder, name, &all); i < len; i++) {
    uint32_t number = rows->levels[TG_ITEM].len;
    add(rows, TG_ITEM, &all[i], parent);
    for (int level = TG_EVENT; level <= TG_EXEMPLAR; level++) {
      for (size_t j = 0, count = list(&all[i], below[level - TG_EVENT], &inner); j < count; j++) {
        add(rows, (tg_level)level, &inner[j], number);
      }
    }
  }
}

void rows_find(request_rows *rows, json *request) {
  static const char *const names[][3] = {
      {"resourceLogs", "scopeLogs", "logRecords"},
      {"resourceSpans", "scopeSpans", "spans"},
      {"resourceMetrics", "scopeMetrics", "metrics"},
  };
  static const char *const points[] = {"gauge", "sum", "histogram", "exponentialHistogram", "summary"};
  const char *const *name = names[rows->signal];
  json *origins, *scopes, *metrics;
  for (size_t i = 0, len = list(request, name[0], &origins); i < len; i++) {
    uint32_t origin = rows->levels[TG_ORIGIN].len;
    add(rows, TG_ORIGIN, &origins[i], 0);
    for (size_t j = 0, count = list(&origins[i], name[1], &scopes); j < count; j++) {
      uint32_t scope = rows->levels[TG_SCOPE].len;
      add(rows, TG_SCOPE, &scopes[j], origin);
      if (rows->signal != TG_METRICS) {
        items(rows, &scopes[j], name[2], scope);
        continue;
      }
      for (size_t k = 0, metric_count = list(&scopes[j], name[2], &metrics); k < metric_count; k++) {
        uint32_t metric = rows->levels[TG_METRIC].len;
        add(rows, TG_METRIC, &metrics[k], scope);
        for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
          json *data = json_at(&metrics[k], points[p]);
          if (data) items(rows, data, "dataPoints", metric);
        }
      }
    }
  }
}

bool rows_dropped(const request_rows *rows, tg_level level, uint32_t number) {
  for (;;) {
    const row *row = &rows->levels[level].rows[number];
    if (row->dropped) return true;
    if (level == TG_ORIGIN) return false;
    number = row->parent;
    level = rows_above(rows->signal, level);
  }
}

void rows_prune(request_rows *rows) {
  static const tg_level parents[] = {TG_METRIC, TG_SCOPE, TG_ORIGIN};
  for (size_t i = 0; i < 3; i++) {
    for (uint32_t n = 0; n < rows->levels[parents[i]].len; n++) {
      bool had = false, left = false;
      for (int under = TG_SCOPE; under <= TG_ITEM; under++) {
        for (uint32_t m = 0; m < rows->levels[under].len; m++) {
          const row *row = &rows->levels[under].rows[m];
          if (rows_above(rows->signal, (tg_level)under) != parents[i] || row->parent != n) continue;
          had = true;
          left = left || !row->dropped;
        }
      }
      if (had && !left) rows->levels[parents[i]].rows[n].dropped = true;
    }
  }
  for (int level = 0; level < 7; level++) {
    for (uint32_t n = 0; n < rows->levels[level].len; n++) {
      if (rows->levels[level].rows[n].dropped) rows->levels[level].rows[n].object->gone = true;
    }
  }
}

static bool context(const char *name, size_t len, path *out) {
  static const struct {
    const char *name;
    tg_level level;
  } all[] = {{"resource", TG_ORIGIN}, {"scope", TG_SCOPE},     {"metric", TG_METRIC}, {"log", TG_ITEM},      {"span", TG_ITEM},
             {"datapoint", TG_ITEM},  {"spanevent", TG_EVENT}, {"spanlink", TG_LINK}, {"exemplar", TG_EXEMPLAR}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strlen(all[i].name) != len || strncmp(all[i].name, name, len) != 0) continue;
    out->level = all[i].level;
    if (out->level <= TG_SCOPE) out->steps[out->step_count++] = all[i].name;
    return true;
  }
  return false;
}

static bool field(const char *name, size_t len, path *out) {
  static const char *const all[][3] = {
      {"body", "body"},           {"attributes", "attributes"}, {"name", "name"},
      {"version", "version"},     {"description", "description"}, {"unit", "unit"},
      {"event_name", "eventName"}, {"trace_state", "traceState"}, {"severity_text", "severityText"},
      {"status.message", "status", "message"},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strlen(all[i][0]) != len || strncmp(all[i][0], name, len) != 0) continue;
    for (size_t step = 1; step < 3 && all[i][step]; step++) out->steps[out->step_count++] = all[i][step];
    out->is_any = i == 0;
    out->is_attributes = i == 1;
    out->field = tree_copy(name, len);
    return true;
  }
  return false;
}

bool path_parse(const char *source, path *out) {
  memset(out, 0, sizeof *out);
  out->source = source;
  const char *dot = strchr(source, '.');
  if (!dot || !context(source, (size_t)(dot - source), out)) return false;
  size_t len = strcspn(dot + 1, "[");
  if (!field(dot + 1, len, out)) return false;
  for (const char *at = dot + 1 + len; *at;) {
    if (strcmp(at, "[*]") == 0 || strcmp(at, "[**]") == 0) {
      out->reach = at[2] == '*' ? 2 : 1;
      return true;
    }
    const char *close = at[0] == '[' && at[1] == '"' ? strstr(at, "\"]") : NULL;
    json key;
    if (!close || out->key_count == 8 || !json_read(&key, at + 1, (size_t)(close - at))) return false;
    out->keys[out->key_count++] = key.text;
    at = close + 2;
  }
  return true;
}

json *path_root(const path *path, json *object, bool make) {
  for (size_t i = 0; object && i < path->step_count; i++) {
    bool last = i + 1 == path->step_count;
    json_type type = !last || path->is_any ? JSON_MAP : path->is_attributes ? JSON_LIST : JSON_TEXT;
    object = make ? tree_member(object, path->steps[i], type) : json_at(object, path->steps[i]);
  }
  return object;
}

bool path_covers(const path *path, const cell *cell) {
  if (path->level != cell->path->level || strcmp(path->field, cell->path->field) != 0) return false;
  if (cell->key_count < path->key_count) return false;
  for (size_t i = 0; i < path->key_count; i++) {
    if (strcmp(path->keys[i], cell->keys[i]) != 0) return false;
  }
  return path->reach != 1 || cell->key_count == path->key_count + 1;
}

static size_t unbase64(const char *text, size_t len, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t held = 0;
  int bits = 0;
  size_t made = 0;
  for (size_t i = 0; i < len; i++) {
    const char *digit = memchr(digits, text[i], sizeof digits - 1);
    if (!digit) continue;
    held = held << 6 | (uint32_t)(digit - digits);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[made++] = (char)(held >> bits);
  }
  return made;
}

/* Takes a cell that holds a text or byte string. */
static void take(cell cell, cell_list *found) {
  json *text = cell.value;
  cell.type = TG_TEXT;
  if (!cell.is_plain) {
    if (text->len != 1 || text->items[0].type != JSON_TEXT) return;
    text = &text->items[0];
    if (strcmp(text->key, "bytesValue") == 0) cell.type = TG_BYTES;
    else if (strcmp(text->key, "stringValue") != 0) return;
  }
  cell.contents = (tg_text){text->text, text->text_len};
  if (cell.type == TG_BYTES) {
    char *bytes = tg_alloc(text->text_len + 1);
    size_t len = unbase64(text->text, text->text_len, bytes);
    bytes[len] = 0;
    cell.contents = (tg_text){bytes, len};
  }
  found->cells = realloc(found->cells, (found->len + 1) * sizeof *found->cells);
  if (!found->cells) abort();
  found->cells[found->len++] = cell;
}

static void under(const json *entries, size_t key, cell at, cell_list *found);

/* Goes from a value along what is left of the path. */
static void along(size_t key, cell at, cell_list *found) {
  json *map = json_at(at.value, "kvlistValue"), *array = json_at(at.value, "arrayValue");
  json *entries = map ? json_at(map, "values") : NULL, *items = array ? json_at(array, "values") : NULL;
  const path *path = at.path;
  if (key < path->key_count || (path->reach == 1 && at.key_count == path->key_count) || (path->reach == 2 && entries)) {
    if (entries) under(entries, key, at, found);
    return;
  }
  for (uint32_t i = 0; path->reach == 2 && items && i < items->len && at.depth < 32; i++) {
    cell inner = at;
    inner.value = inner.element = &items->items[i];
    inner.place[inner.depth++] = i;
    along(key, inner, found);
  }
  take(at, found);
}

static void under(const json *entries, size_t key, cell at, cell_list *found) {
  const path *path = at.path;
  for (uint32_t i = 0; i < entries->len && at.depth < 32 && at.key_count < 16; i++) {
    json *entry = &entries->items[i], *name = json_at(entry, "key"), *value = json_at(entry, "value");
    if (!name || !value || (key < path->key_count && strcmp(name->text, path->keys[key]) != 0)) continue;
    cell inner = at;
    inner.element = entry;
    inner.keys[inner.key_count++] = name->text;
    inner.place[inner.depth++] = i;
    inner.value = value;
    if (key >= path->key_count && path->reach == 2) {
      cell as_key = inner;
      as_key.value = name;
      as_key.is_key = as_key.is_plain = true;
      take(as_key, found);
    }
    along(key < path->key_count ? key + 1 : key, inner, found);
  }
}

void cells_find(const path *path, uint32_t number, json *object, cell_list *found) {
  json *root = path_root(path, object, false);
  if (!root) return;
  cell at;
  memset(&at, 0, sizeof at);
  at.path = path;
  at.row = number;
  at.value = at.element = root;
  if (path->is_attributes) {
    under(root, 0, at, found);
  } else {
    at.is_plain = !path->is_any;
    if (at.is_plain) take(at, found);
    else along(0, at, found);
  }
}

bool cell_is_around(const cell *outer, const cell *inner) {
  if (outer == inner || outer->row != inner->row || inner->depth < outer->depth) return false;
  if (outer->path->level != inner->path->level || strcmp(outer->path->field, inner->path->field) != 0) return false;
  if (memcmp(outer->place, inner->place, outer->depth * sizeof *outer->place) != 0) return false;
  return !(inner->is_key && inner->depth == outer->depth);
}
