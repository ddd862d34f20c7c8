#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct tg_config {
  json *map;
  /* The keys on the way here, with a dot after each. */
  char *path;
  tg_error problem;
  /* The keys that were asked for, for a message. */
  char *known;
  /* Maps under keys of this one. */
  tg_config *under, *next;
};

static char *join(const char *a, const char *b, const char *c) {
  size_t lens[] = {strlen(a), strlen(b), strlen(c)};
  char *out = tg_alloc(lens[0] + lens[1] + lens[2] + 1);
  memcpy(out, a, lens[0]);
  memcpy(out + lens[0], b, lens[1]);
  memcpy(out + lens[0] + lens[1], c, lens[2] + 1);
  return out;
}

static tg_config *new_config(json *map, char *path) {
  tg_config *config = tg_alloc(sizeof *config);
  *config = (tg_config){map, path, NULL, NULL, NULL, NULL};
  return config;
}

tg_config *tg_config_read(tg_text text, tg_error *error) {
  json *map = tg_alloc(sizeof *map);
  if (!json_read(map, text.ptr, text.len)) {
    *error = tg_fail("the configuration is no JSON");
    return NULL;
  }
  /* None at all is the same as an empty one. */
  if (map->type == JSON_NULL) map->type = JSON_MAP;
  if (map->type != JSON_MAP) {
    *error = tg_fail("the configuration has to be a map of keys and their values");
    return NULL;
  }
  return new_config(map, join("", "", ""));
}

static void complain(tg_config *config, const char *key, const char *problem) {
  if (config->problem) return;
  char *path = join(config->path, key, "");
  config->problem = tg_fail_at(path, problem);
  free(path);
}

/* The value under a key that is known from now on; NULL where it is absent or of another type. */
static json *look(tg_config *config, const char *key, json_type type, const char *problem) {
  char *known = config->known;
  config->known = known ? join(known, ", ", key) : join("", "", key);
  free(known);
  json *value = config->map ? json_at(config->map, key) : NULL;
  if (!value) return NULL;
  value->known = true;
  if (value->type == type) return value;
  if (value->type != JSON_NULL) complain(config, key, problem);
  return NULL;
}

tg_text tg_config_text(tg_config *config, const char *key, const char *fallback) {
  json *value = look(config, key, JSON_TEXT, "has to be a text");
  return value ? (tg_text){value->text, value->text_len} : tg_text_of(fallback);
}

bool tg_config_bool(tg_config *config, const char *key, bool fallback) {
  json *value = look(config, key, JSON_BOOL, "has to be true or false");
  return value ? value->truth : fallback;
}

int64_t tg_config_int(tg_config *config, const char *key, int64_t fallback) {
  json *value = look(config, key, JSON_NUMBER, "has to be a whole number");
  if (!value) return fallback;
  char *end;
  errno = 0;
  long long number = strtoll(value->text, &end, 10);
  if (*end == 0 && errno == 0) return number;
  complain(config, key, "has to be a whole number");
  return fallback;
}

double tg_config_double(tg_config *config, const char *key, double fallback) {
  json *value = look(config, key, JSON_NUMBER, "has to be a number");
  return value ? value->number : fallback;
}

size_t tg_config_count(tg_config *config, const char *key) {
  json *list = look(config, key, JSON_LIST, "has to be a list of texts");
  for (size_t i = 0; list && i < list->len; i++) {
    if (list->items[i].type != JSON_TEXT) {
      complain(config, key, "has to be a list of texts");
      return 0;
    }
  }
  return list ? list->len : 0;
}

tg_text tg_config_item(tg_config *config, const char *key, size_t index) {
  json *list = config->map ? json_at(config->map, key) : NULL;
  if (!list || list->type != JSON_LIST || index >= list->len) return tg_text_of("");
  return (tg_text){list->items[index].text, list->items[index].text_len};
}

tg_config *tg_config_map(tg_config *config, const char *key) {
  json *map = look(config, key, JSON_MAP, "has to be a map");
  tg_config *under = new_config(map, join(config->path, key, "."));
  under->next = config->under;
  config->under = under;
  return under;
}

tg_error tg_config_problem(const tg_config *config) {
  if (config->problem) return config->problem;
  for (size_t i = 0; config->map && i < config->map->len; i++) {
    if (config->map->items[i].known) continue;
    char *path = join(config->path, config->map->items[i].key, "");
    char *problem = config->known ? join("no such key; there is ", config->known, "") : join("there are no keys", "", "");
    tg_error error = tg_fail_at(path, problem);
    free(path);
    free(problem);
    return error;
  }
  for (tg_config *under = config->under; under; under = under->next) {
    tg_error error = tg_config_problem(under);
    if (error) return error;
  }
  return NULL;
}
