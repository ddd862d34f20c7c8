/* Write Tidegate processors in C.
 *
 * A processor is two functions, `tg_configure` and `tg_process`, which its author writes: the first turns a configuration
 * into a plan of fields to read and write, the second a batch of the cells that were asked for into edits. README.md
 * begins with a whole example. Texts are UTF-8 and have a length; offsets and lengths are bytes.
 */
#ifndef TIDEGATE_H
#define TIDEGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A text, or a byte string. */
typedef struct {
  const char *ptr;
  size_t len;
} tg_text;

/* A string of C as a text. */
tg_text tg_text_of(const char *string);
bool tg_text_is(tg_text text, const char *string);

typedef enum { TG_LOGS, TG_TRACES, TG_METRICS } tg_signal;

/* The levels of a payload, outermost first; an item is a log record, a span or a data point. */
typedef enum { TG_ORIGIN, TG_SCOPE, TG_METRIC, TG_ITEM, TG_EVENT, TG_LINK, TG_EXEMPLAR } tg_level;

/* ---- Errors: NULL is none ---- */

/* A sentence for the operator. */
typedef char *tg_error;
tg_error tg_fail(const char *problem);
/* An error at a key of the configuration, such as `rules[2].route`. */
tg_error tg_fail_at(const char *key, const char *problem);

/* ---- The configuration ----
 *
 * Each key that is asked for is known from then on. After `tg_configure` the SDK refuses a key that was not asked for and
 * a value of another type, by name; what was returned in its place is the fallback. Texts live as long as the instance, and a
 * zero byte follows each. */

typedef struct tg_config tg_config;
tg_text tg_config_text(tg_config *config, const char *key, const char *fallback);
bool tg_config_bool(tg_config *config, const char *key, bool fallback);
int64_t tg_config_int(tg_config *config, const char *key, int64_t fallback);
double tg_config_double(tg_config *config, const char *key, double fallback);
/* How many texts a list has; none where the key is absent. */
size_t tg_config_count(tg_config *config, const char *key);
tg_text tg_config_item(tg_config *config, const char *key, size_t index);
/* A map under a key, an empty one where it is absent. */
tg_config *tg_config_map(tg_config *config, const char *key);

/* ---- The plan ---- */

typedef struct tg_plan tg_plan;
typedef uint32_t tg_read_id;
typedef uint32_t tg_write_id;
typedef uint32_t tg_route_id;

/* A regular expression that the host runs, and the configuration's key that it comes from, or NULL. */
typedef struct {
  const char *source;
  const char *name;
} tg_pattern;

/* The cells of this path: `log.body`, `resource.attributes["cluster.id"]`, `span.attributes[*]`, `log.attributes[**]`. */
tg_read_id tg_read(tg_plan *plan, const char *path);
/* Those in which one of the patterns matches. */
tg_read_id tg_read_matching(tg_plan *plan, const char *path, const tg_pattern *patterns, size_t count);
/* The same as text, numbers and truth values printed. */
tg_read_id tg_read_printed(tg_plan *plan, const char *path, const tg_pattern *patterns, size_t count);
/* Attributes with values of any type, all or those in whose key a pattern matches. */
tg_read_id tg_read_whole(tg_plan *plan, const char *path, const tg_pattern *keys, size_t count);
/* Lists, maps and values without a member, encoded. */
tg_read_id tg_read_composites(tg_plan *plan, const char *path);
/* Edits may touch this path. */
tg_write_id tg_write(tg_plan *plan, const char *path);
/* Edits may drop rows. */
void tg_may_drop(tg_plan *plan);
/* Edits may send rows to the route of this name. */
tg_route_id tg_route(tg_plan *plan, const char *name);
/* The instance remembers what it can afford to lose at a swap: there is then just one. */
void tg_remember(tg_plan *plan);

/* ---- The context: all that a processor may know besides the cells ---- */

typedef struct tg_context tg_context;
/* When the host took the batch, in nanoseconds since the Unix epoch. */
uint64_t tg_now(const tg_context *context);
/* A random number that is the same whenever this batch is replayed. */
uint64_t tg_seed(const tg_context *context);
/* The `cluster.id` that the batch was bound to; its `ptr` is NULL where there is none. */
tg_text tg_cluster(const tg_context *context);
/* The request metadata of this key, where it was granted; its `ptr` is NULL where there is none. */
tg_text tg_metadata(const tg_context *context, const char *key);

/* ---- The batch ---- */

typedef struct tg_batch tg_batch;

typedef enum { TG_TEXT, TG_BYTES, TG_SIGNED, TG_UNSIGNED, TG_DOUBLE, TG_BOOLEAN, TG_ENCODED } tg_type;

/* A match of a pattern of the read: of `pattern`, from `start` to before `end`. */
typedef struct {
  uint32_t index, pattern, start, end;
} tg_match;

typedef struct {
  uint32_t start, end;
} tg_range;

/* One cell. */
typedef struct {
  /* Its number, for edits. */
  uint32_t id;
  /* Its row, at the level that the context of the read's path names. */
  uint32_t row;
  /* The attribute key nearest to it; empty under no key, as a body is. */
  tg_text key;
  /* Whether it is a key itself: only under `[**]`. */
  bool is_key;
  tg_type type;
  /* Its contents, where its type is text, bytes or encoded. */
  tg_text text;
  union {
    int64_t signed_;
    uint64_t unsigned_;
    double double_;
    bool boolean;
  } number;
  /* The matches of the read's patterns in it, by start; those of different patterns may overlap. */
  const tg_match *matches;
  size_t match_count;
} tg_cell;

/* The cells of a read, by row. */
typedef struct {
  const tg_batch *batch;
  tg_read_id read;
  struct {
    uint32_t column, next, match;
  } at[8];
  size_t columns;
} tg_cells;

tg_signal tg_batch_signal(const tg_batch *batch);
tg_cells tg_batch_cells(const tg_batch *batch, tg_read_id read);
/* Takes the next cell; false where there is none left. */
bool tg_next_cell(tg_cells *cells, tg_cell *cell);
/* Takes the next part of a cell that matched, from `*at = 0` on: matches that overlap are joined to one part. */
bool tg_next_part(const tg_cell *cell, size_t *at, tg_range *part);
/* How many rows a level has; none where the plan names no field at it or under it. */
uint32_t tg_count(const tg_batch *batch, tg_level level);
/* The row at the level `above` that a row is in; false where `above` is not above it. */
bool tg_ancestor(const tg_batch *batch, tg_level level, uint32_t row, tg_level above, uint32_t *ancestor);

/* ---- Edits ---- */

typedef struct tg_edits tg_edits;

/* Text that was put by once and may be used in any number of edits of that batch. */
typedef struct {
  uint32_t start, end;
} tg_stored;

typedef enum { TG_UPSERT, TG_INSERT, TG_UPDATE } tg_mode;

/* A value to write; a type of `TG_UNSIGNED` is written as `TG_SIGNED`. */
typedef struct {
  tg_type type;
  tg_text text;
  union {
    int64_t signed_;
    double double_;
    bool boolean;
  } number;
} tg_value;

tg_value tg_value_text(tg_text text);
tg_value tg_value_bytes(tg_text bytes);
tg_value tg_value_int(int64_t number);
tg_value tg_value_double(double number);
tg_value tg_value_bool(bool truth);
/* An `AnyValue` of OTLP, as an encoded cell holds it. */
tg_value tg_value_encoded(tg_text encoded);

tg_stored tg_store(tg_edits *edits, tg_text text);
/* Replaces a part of a text or bytes cell, from and to a character's boundary. Parts must not overlap. */
void tg_splice(tg_edits *edits, uint32_t cell, tg_range part, tg_stored with);
/* Replaces a cell. An attribute or a body may change its type. */
void tg_replace(tg_edits *edits, uint32_t cell, tg_value value);
/* Removes a cell: the attribute with its key, the list's item, or the field. */
void tg_remove(tg_edits *edits, uint32_t cell);
/* Writes a field of each row in a range. */
void tg_upsert(tg_edits *edits, tg_write_id write, tg_range rows, tg_mode mode, tg_value value);
/* Writes the attribute `key` of a path that ends in `[*]` or `[**]`. */
void tg_upsert_key(tg_edits *edits, tg_write_id write, tg_range rows, tg_text key, tg_mode mode, tg_value value);
/* Takes a field out of each row in a range, whatever it holds. */
void tg_erase(tg_edits *edits, tg_write_id write, tg_range rows);
void tg_erase_key(tg_edits *edits, tg_write_id write, tg_range rows, tg_text key);
/* Drops rows with all that is under them. Ranges that touch become one. */
void tg_drop_rows(tg_edits *edits, tg_level level, tg_range rows);
/* Sends rows with all that is under them to a route. Ranges that touch become one. */
void tg_route_rows(tg_edits *edits, tg_level level, tg_range rows, tg_route_id route);

/* ---- The log and the counters ---- */

typedef enum { TG_DEBUG, TG_INFO, TG_WARN, TG_ERROR } tg_log_level;
/* Writes a line in the collector's own log, as `printf` would. */
void tg_log(tg_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds to the module's counter of this name: letters, digits and underscores. A call to the host, so add up first. */
void tg_count_up(const char *name, uint64_t value);

/* Memory that is there, or an end of the call as a trap. */
void *tg_alloc(size_t size);

/* ---- What the author writes ---- */

/* Takes the configuration: once, before any batch. */
tg_error tg_configure(tg_signal signal, tg_config *config, tg_plan *plan);
/* Takes one batch. An error fails it as a whole. */
tg_error tg_process(const tg_context *context, const tg_batch *batch, tg_edits *edits);

#ifdef __cplusplus
}
#endif
#endif
