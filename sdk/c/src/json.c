#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Lists and maps within one another; the host's own limit is lower. */
#define DEPTH 256

typedef struct {
  const char *at, *end;
} reader;

static void skip(reader *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r')) in->at++;
}

static bool take(reader *in, const char *word) {
  size_t len = strlen(word);
  if ((size_t)(in->end - in->at) < len || memcmp(in->at, word, len) != 0) return false;
  in->at += len;
  return true;
}

static bool hex(reader *in, uint32_t *code) {
  *code = 0;
  if (in->end - in->at < 4) return false;
  for (int i = 0; i < 4; i++) {
    char c = *in->at++;
    uint32_t digit;
    if (c >= '0' && c <= '9') digit = (uint32_t)(c - '0');
    else if ((c | 32) >= 'a' && (c | 32) <= 'f') digit = (uint32_t)((c | 32) - 'a' + 10);
    else return false;
    *code = *code * 16 + digit;
  }
  return true;
}

static size_t utf8(char *out, uint32_t code) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)(lead[len] | code);
  return len;
}

static bool escape(reader *in, char *out, size_t *len) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (in->at == in->end) return false;
  char c = *in->at++;
  if (c != 'u') {
    const char *found = memchr(from, c, sizeof from - 1);
    if (!found) return false;
    out[(*len)++] = to[found - from];
    return true;
  }
  uint32_t code, low;
  if (!hex(in, &code)) return false;
  if (code >= 0xD800 && code < 0xDC00 && take(in, "\\u")) {
    if (!hex(in, &low) || low < 0xDC00 || low > 0xDFFF) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code >= 0xD800 && code < 0xE000) return false;
  *len += utf8(out + *len, code);
  return true;
}

/* A string, with a zero byte after it that is not counted. */
static bool string(reader *in, char **text, size_t *len) {
  if (!take(in, "\"")) return false;
  const char *close = in->at;
  while (close < in->end && *close != '"') close += *close == '\\' ? 2 : 1;
  if (close >= in->end) return false;
  /* What is escaped is longer than what it stands for. */
  *text = tg_alloc((size_t)(close - in->at) + 1);
  *len = 0;
  while (in->at < close) {
    char c = *in->at++;
    if (c != '\\') (*text)[(*len)++] = c;
    else if (!escape(in, *text, len)) return false;
  }
  (*text)[*len] = 0;
  return take(in, "\"");
}

static bool value(reader *in, json *out, int depth);

static bool members(reader *in, json *out, const char *close, int depth) {
  size_t room = 0;
  skip(in);
  if (take(in, close)) return true;
  do {
    if (out->len == room) {
      room = room ? room * 2 : 4;
      out->items = realloc(out->items, room * sizeof *out->items);
      if (!out->items) abort();
    }
    json *member = &out->items[out->len];
    memset(member, 0, sizeof *member);
    skip(in);
    if (out->type == JSON_MAP) {
      size_t len;
      if (!string(in, &member->key, &len)) return false;
      skip(in);
      if (!take(in, ":")) return false;
    }
    if (!value(in, member, depth)) return false;
    out->len++;
    skip(in);
  } while (take(in, ","));
  return take(in, close);
}

static bool number(reader *in, json *out) {
  const char *start = in->at;
  while (in->at < in->end && *in->at && strchr("+-0123456789.eE", *in->at)) in->at++;
  out->text_len = (size_t)(in->at - start);
  out->text = tg_alloc(out->text_len + 1);
  memcpy(out->text, start, out->text_len);
  out->text[out->text_len] = 0;
  char *end;
  out->number = strtod(out->text, &end);
  return out->text_len > 0 && *end == 0;
}

static bool value(reader *in, json *out, int depth) {
  if (depth > DEPTH) return false;
  skip(in);
  if (in->at == in->end) return false;
  switch (*in->at) {
    case '{': in->at++; out->type = JSON_MAP; return members(in, out, "}", depth + 1);
    case '[': in->at++; out->type = JSON_LIST; return members(in, out, "]", depth + 1);
    case '"': out->type = JSON_TEXT; return string(in, &out->text, &out->text_len);
    case 't': out->type = JSON_BOOL; out->truth = true; return take(in, "true");
    case 'f': out->type = JSON_BOOL; return take(in, "false");
    case 'n': out->type = JSON_NULL; return take(in, "null");
    default: out->type = JSON_NUMBER; return number(in, out);
  }
}

bool json_read(json *out, const char *text, size_t len) {
  reader in = {text, text + len};
  memset(out, 0, sizeof *out);
  if (!value(&in, out, 0)) return false;
  skip(&in);
  return in.at == in.end;
}

json *json_at(const json *map, const char *key) {
  if (map->type != JSON_MAP) return NULL;
  for (size_t i = 0; i < map->len; i++) {
    if (strcmp(map->items[i].key, key) == 0) return &map->items[i];
  }
  return NULL;
}
