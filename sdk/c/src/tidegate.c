/* The way from the world's exports to the author's two functions, and what they have from the host. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "packed.h"

tg_text tg_text_of(const char *string) {
  return (tg_text){string, strlen(string)};
}

bool tg_text_is(tg_text text, const char *string) {
  return text.len == strlen(string) && memcmp(text.ptr, string, text.len) == 0;
}

void *tg_alloc(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}

tg_error tg_fail(const char *problem) {
  char *error = tg_alloc(strlen(problem) + 1);
  return strcpy(error, problem);
}

tg_error tg_fail_at(const char *key, const char *problem) {
  char *error = tg_alloc(strlen(key) + strlen(problem) + 3);
  strcpy(error, key);
  strcat(error, ": ");
  return strcat(error, problem);
}

uint64_t tg_now(const tg_context *context) {
  return context->packed.now;
}

uint64_t tg_seed(const tg_context *context) {
  return context->packed.seed;
}

static tg_text text_of(processor_string_t string) {
  /* An empty text has a pointer, too, so that it is not taken for none. */
  return (tg_text){string.len ? (const char *)string.ptr : "", string.len};
}

tg_text tg_cluster(const tg_context *context) {
  if (!context->packed.cluster.is_some) return (tg_text){NULL, 0};
  return text_of(context->packed.cluster.val);
}

tg_text tg_metadata(const tg_context *context, const char *key) {
  for (size_t i = 0; i < context->packed.metadata.len; i++) {
    processor_tuple2_string_string_t *pair = &context->packed.metadata.ptr[i];
    if (tg_text_is(text_of(pair->f0), key)) return text_of(pair->f1);
  }
  return (tg_text){NULL, 0};
}

void tg_log(tg_log_level level, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (len >= 0) {
    char *line = tg_alloc((size_t)len + 1);
    vsnprintf(line, (size_t)len + 1, format, again);
    processor_string_t message = {(uint8_t *)line, (size_t)len};
    tidegate_processor_log_write((tidegate_processor_log_level_t)level, &message);
    free(line);
  }
  va_end(again);
}

void tg_count_up(const char *name, uint64_t value) {
  processor_string_t packed = {(uint8_t *)name, strlen(name)};
  tidegate_processor_counters_add(&packed, value);
}

/* The bindings look for an object that describes the contract; the build adds that description to the module by itself. */
void __component_type_object_force_link_processor(void);
void __component_type_object_force_link_processor(void) {}

#ifdef __wasm__
/* What the contract's clock tells: the time of the batch. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("tidegate_set_now"))) void tidegate_set_now(uint64_t);
#endif

static bool configured;

static bool refuse(processor_string_t *err, tg_error error) {
  *err = (processor_string_t){(uint8_t *)error, strlen(error)};
  return false;
}

bool exports_processor_configure(processor_signal_t signal, processor_string_t *json, processor_plan_t *ret,
                                 processor_string_t *err) {
  tg_error error = NULL;
  tg_config *config = tg_config_read(text_of(*json), &error);
  processor_string_free(json);
  if (!config) return refuse(err, error);
  tg_plan plan;
  memset(&plan, 0, sizeof plan);
  error = tg_configure((tg_signal)signal, config, &plan);
  /* What is wrong with a key is told before what the author makes of the fallback in its place. */
  tg_error problem = tg_config_problem(config);
  if (problem || error) {
    processor_plan_free(&plan.packed);
    if (problem && error) free(error);
    return refuse(err, problem ? problem : error);
  }
  configured = true;
  *ret = plan.packed;
  return true;
}

bool exports_processor_process(processor_context_t *context, processor_batch_t *batch, processor_script_t *ret,
                               processor_string_t *err) {
  tg_context in_context = {*context};
  tg_batch in_batch = {*batch};
  tg_edits edits;
  memset(&edits, 0, sizeof edits);
#ifdef __wasm__
  tidegate_set_now(context->now);
#endif
  tg_error error = configured ? tg_process(&in_context, &in_batch, &edits) : tg_fail("process was called before configure");
  processor_context_free(context);
  processor_batch_free(batch);
  if (error) {
    tg_edits_free(&edits);
    return refuse(err, error);
  }
  *ret = edits.script;
  return true;
}
