#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tree_add(tree_text *text, const char *part, size_t len) {
  if (text->len + len + 1 > text->room) {
    text->room = (text->len + len + 1) * 2;
    text->ptr = realloc(text->ptr, text->room);
    if (!text->ptr) abort();
  }
  memcpy(text->ptr + text->len, part, len);
  text->len += len;
  text->ptr[text->len] = 0;
}

static void add(tree_text *out, const char *string) {
  tree_add(out, string, strlen(string));
}

static void quoted(const char *text, size_t len, tree_text *out) {
  add(out, "\"");
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    char escaped[8] = {(char)c, 0};
    if (c == '"' || c == '\\') snprintf(escaped, sizeof escaped, "\\%c", c);
    else if (c < 0x20) snprintf(escaped, sizeof escaped, "\\u%04x", c);
    tree_add(out, escaped, strlen(escaped));
  }
  add(out, "\"");
}

void tree_write(const json *value, tree_text *out) {
  switch (value->type) {
    case JSON_NULL: add(out, "null"); break;
    case JSON_BOOL: add(out, value->truth ? "true" : "false"); break;
    case JSON_NUMBER: tree_add(out, value->text, value->text_len); break;
    case JSON_TEXT: quoted(value->text, value->text_len, out); break;
    case JSON_LIST:
    case JSON_MAP: {
      bool first = true;
      add(out, value->type == JSON_MAP ? "{" : "[");
      for (size_t i = 0; i < value->len; i++) {
        if (value->items[i].gone) continue;
        if (!first) add(out, ",");
        first = false;
        if (value->type == JSON_MAP) {
          quoted(value->items[i].key, strlen(value->items[i].key), out);
          add(out, ":");
        }
        tree_write(&value->items[i], out);
      }
      add(out, value->type == JSON_MAP ? "}" : "]");
    }
  }
}

bool tree_equal(const json *one, const json *other) {
  if (one->type != other->type || one->len != other->len) return false;
  if (one->type == JSON_BOOL) return one->truth == other->truth;
  if (one->type == JSON_NUMBER) return one->number == other->number;
  if (one->type == JSON_TEXT) return one->text_len == other->text_len && memcmp(one->text, other->text, one->text_len) == 0;
  for (size_t i = 0; i < one->len; i++) {
    const json *match = one->type == JSON_MAP ? json_at(other, one->items[i].key) : &other->items[i];
    if (!match || !tree_equal(&one->items[i], match)) return false;
  }
  return true;
}

json *tree_push(json *list) {
  list->items = realloc(list->items, (list->len + 1) * sizeof *list->items);
  if (!list->items) abort();
  json *added = &list->items[list->len++];
  memset(added, 0, sizeof *added);
  return added;
}

json *tree_member(json *map, const char *key, json_type type) {
  json *member = json_at(map, key);
  if (member) return member;
  member = tree_push(map);
  member->key = tree_copy(key, strlen(key));
  member->type = type;
  return member;
}

char *tree_copy(const char *text, size_t len) {
  char *copy = tg_alloc(len + 1);
  memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

void tree_set(json *value, const char *member, const char *text, size_t len) {
  value->type = JSON_MAP;
  value->len = 0;
  value->items = NULL;
  json *inner = tree_member(value, member, JSON_TEXT);
  inner->text = tree_copy(text, len);
  inner->text_len = len;
}
