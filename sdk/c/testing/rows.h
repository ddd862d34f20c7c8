/* The rows of a request, and the paths to what is in them. */
#ifndef TIDEGATE_TESTING_ROWS_H
#define TIDEGATE_TESTING_ROWS_H

#include "tree.h"

typedef struct cell cell;

typedef struct {
  json *object;
  uint32_t parent;
  bool dropped;
} row;

typedef struct {
  row *rows;
  uint32_t len;
} level_rows;

typedef struct {
  tg_signal signal;
  level_rows levels[7];
} request_rows;

void rows_find(request_rows *rows, json *request);
/* Whether a row, or one that it is in, was dropped. */
bool rows_dropped(const request_rows *rows, tg_level level, uint32_t row);
/* Marks what was dropped, and what is left without items. */
void rows_prune(request_rows *rows);
tg_level rows_above(tg_signal signal, tg_level level);

/* A path in OTTL's syntax. */
typedef struct {
  const char *source;
  tg_level level;
  char *field;
  /* The names in OTLP/JSON on the way to the field. */
  const char *steps[3];
  size_t step_count;
  char *keys[8];
  size_t key_count;
  /* 0 is the value itself, 1 is `[*]`, and 2 is `[**]`. */
  int reach;
  bool is_attributes, is_any;
} path;

/* False where it is no path, or of a field that there is not here. */
bool path_parse(const char *source, path *out);
/* The field of a row, made where it is missing and wanted; else NULL. */
json *path_root(const path *path, json *object, bool make);
bool path_covers(const path *path, const cell *cell);

/* A value of a request: its key and the node that holds it. */
struct cell {
  const path *path;
  uint32_t row;
  /* An `AnyValue`, a field's text, or a key's. */
  json *value;
  bool is_plain, is_key;
  tg_type type;
  tg_text contents;
  /* What goes where it is removed. */
  json *element;
  char *keys[16];
  size_t key_count;
  /* Positions on the way to it, from the outside in. */
  uint32_t place[32];
  size_t depth;
  tg_match *matches;
  size_t match_count;
  uint32_t within;
};

typedef struct {
  cell *cells;
  size_t len;
} cell_list;

/* Collects the cells of a row. */
void cells_find(const path *path, uint32_t row, json *object, cell_list *found);
bool cell_is_around(const cell *outer, const cell *inner);

#endif
