/* The sample by itself, on a case that it has to pass in a host, too: `test CASE.json`. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/json.h"
#include "testing/testing.h"
#include "testing/tree.h"

static const char *text(const json *value) {
  tree_text out = {0};
  tree_write(value, &out);
  return out.ptr;
}

static int wrong(const char *what, const char *got) {
  fprintf(stderr, "%s: %s\n", what, got ? got : "nothing");
  return 1;
}

int main(int count, char **arguments) {
  if (count == 1) {
    tg_tester *refused = tg_tester_new(TG_LOGS, "{\"maks\":\"\"}");
    const char *error = tg_tester_error(refused);
    bool good = error && strcmp(error, "maks: no such key; there is mask, keep_domain") == 0;
    return good ? 0 : wrong("a key that there is not", error);
  }
  json one;
  const char *file = tg_file(arguments[1]);
  if (!json_read(&one, file, strlen(file))) return wrong(arguments[1], "is no JSON");
  const char *signal = json_at(&one, "signal")->text;
  tg_signal of = signal[0] == 'l' ? TG_LOGS : signal[0] == 't' ? TG_TRACES : TG_METRICS;
  tg_tester *tester = tg_tester_new(of, text(json_at(&one, "config")));
  if (tg_tester_error(tester)) return wrong(arguments[1], tg_tester_error(tester));
  const char *after = tg_tester_process(tester, text(json_at(&one, "in")));
  if (!after) return wrong(arguments[1], tg_tester_error(tester));
  /* A request of which nothing is left is not delivered. */
  json *out = json_at(&one, "out");
  const char *expected = out->type == JSON_NULL ? "{\"resourceLogs\":[]}" : text(out);
  if (!tg_json_equal(after, expected)) return wrong(arguments[1], after);
  if (strstr(arguments[1], "dropped") && !tg_tester_said(out->type == JSON_NULL ? "dropped 1 items" : "dropped 5 items")) {
    return wrong(arguments[1], "it did not say what it dropped");
  }
  return 0;
}
