/* JSON as a tree. */
#ifndef TIDEGATE_JSON_H
#define TIDEGATE_JSON_H

#include "../tidegate.h"

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_MAP } json_type;

/* A value; the members of a list or map lie in `items`, and a map's member has a `key`. */
typedef struct json {
  json_type type;
  char *key;
  bool truth;
  /* A number is kept as it was written, too, since a double holds no more than 53 bits of an integer. */
  double number;
  char *text;
  size_t text_len;
  struct json *items;
  size_t len;
  /* Of use to whoever asks a configuration for its keys. */
  bool known;
} json;

/* Reads a value; false where the text is no JSON. What is read stays: a configuration lives as long as its instance. */
bool json_read(json *value, const char *text, size_t len);
/* A map's member, or NULL. */
json *json_at(const json *map, const char *key);

#endif
