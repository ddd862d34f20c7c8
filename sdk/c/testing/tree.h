/* OTLP/JSON as a tree that is edited: what is taken out is marked, and left out where the tree is written. */
#ifndef TIDEGATE_TESTING_TREE_H
#define TIDEGATE_TESTING_TREE_H

#include "../src/json.h"

/* A mark of what was taken out; the configuration, which has another use for it, is no such tree. */
#define gone known

typedef struct {
  char *ptr;
  size_t len, room;
} tree_text;

void tree_add(tree_text *text, const char *part, size_t len);
/* Writes a value with what is in it. */
void tree_write(const json *value, tree_text *out);
bool tree_equal(const json *one, const json *other);
/* A list's member by its number, or a map's by its key, added where it is missing. */
json *tree_push(json *list);
json *tree_member(json *map, const char *key, json_type type);
/* Makes a map of one member, which is a text: `{"stringValue": …}`. */
void tree_set(json *value, const char *member, const char *text, size_t len);
char *tree_copy(const char *text, size_t len);

#endif
