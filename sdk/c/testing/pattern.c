#define _GNU_SOURCE
#include "pattern.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

/* The same in POSIX's syntax, which has other words for classes and no groups that do not capture. */
static char *posix(const char *source) {
  tree_text out = {0};
  bool inside = false;
  for (const char *at = source; *at; at++) {
    const char *word = NULL;
    if (*at == '\\' && at[1]) {
      at++;
      if (*at == 'd') word = inside ? "0-9" : "[0-9]";
      if (*at == 's') word = inside ? "[:space:]" : "[[:space:]]";
      if (*at == 'w') word = inside ? "[:alnum:]_" : "[[:alnum:]_]";
      if (!word && !inside) tree_add(&out, "\\", 1);
    } else if (!inside && strncmp(at, "(?:", 3) == 0) {
      word = "(";
      at += 2;
    } else if (*at == '[' && !inside) {
      inside = true;
    } else if (*at == ']' && inside) {
      inside = false;
    }
    if (word) tree_add(&out, word, strlen(word));
    else tree_add(&out, at, 1);
  }
  return out.ptr ? out.ptr : tree_copy("", 0);
}

bool pattern_next(const char *source, const char *text, size_t len, size_t from, tg_range *found) {
  /* The pattern that was used last is the one that is used next, as a rule. */
  static char *last;
  static regex_t compiled;
  if (!last || strcmp(source, last) != 0) {
    if (last) regfree(&compiled);
    free(last);
    char *translated = posix(source);
    if (regcomp(&compiled, translated, REG_EXTENDED) != 0) {
      fprintf(stderr, "the pattern %s cannot be run here\n", source);
      exit(1);
    }
    free(translated);
    last = tree_copy(source, strlen(source));
  }
  regmatch_t match = {.rm_so = (regoff_t)from, .rm_eo = (regoff_t)len};
  if (from > len || regexec(&compiled, text, 1, &match, REG_STARTEND | (from ? REG_NOTBOL : 0)) != 0) return false;
  *found = (tg_range){(uint32_t)match.rm_so, (uint32_t)match.rm_eo};
  return true;
}
