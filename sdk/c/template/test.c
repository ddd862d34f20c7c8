#include <stdio.h>

#include "testing/testing.h"

int main(void) {
  tg_tester *masks = tg_tester_new(TG_LOGS, "{\"pattern\":\"password=[^ ]+\",\"mask\":\"password=***\"}");
  const char *after = tg_tester_process(masks, tg_file("fixtures/logs.json"));
  if (!after || !tg_json_equal(after, tg_file("fixtures/logs.expected.json")) || tg_tester_counter("masked") != 1) {
    fprintf(stderr, "masks what the pattern finds: %s\n", after ? after : tg_tester_error(masks));
    return 1;
  }
  puts("masks what the pattern finds: as expected");
  return 0;
}
