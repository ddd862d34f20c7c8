/* Edits, collected into the script that the host checks and applies. */

#include <stdlib.h>
#include <string.h>

#include "packed.h"

void *tg_grow(void *list, size_t len, size_t more, size_t *room, size_t size) {
  if (len + more <= *room) return list;
  while (*room < len + more) *room = *room ? *room * 2 : 16;
  void *grown = realloc(list, *room * size);
  if (!grown) abort();
  return grown;
}

void tg_edits_free(tg_edits *edits) {
  free(edits->script.edits.ptr);
  free(edits->script.text.ptr);
}

static types(edit) *add(tg_edits *edits, uint8_t tag) {
  types(script) *script = &edits->script;
  script->edits.ptr = tg_grow(script->edits.ptr, script->edits.len, 1, &edits->edit_room, sizeof *script->edits.ptr);
  types(edit) *edit = &script->edits.ptr[script->edits.len++];
  /* The same edits are the same bytes, those between the fields included. */
  memset(edit, 0, sizeof *edit);
  edit->tag = tag;
  return edit;
}

static types(edit) *last(tg_edits *edits, uint8_t tag) {
  size_t len = edits->script.edits.len;
  if (len == 0 || edits->script.edits.ptr[len - 1].tag != tag) return NULL;
  return &edits->script.edits.ptr[len - 1];
}

tg_stored tg_store(tg_edits *edits, tg_text text) {
  types(script) *script = &edits->script;
  size_t start = script->text.len;
  script->text.ptr = tg_grow(script->text.ptr, start, text.len, &edits->text_room, 1);
  if (text.len) memcpy(script->text.ptr + start, text.ptr, text.len);
  script->text.len += text.len;
  return (tg_stored){(uint32_t)start, (uint32_t)script->text.len};
}

static types(slice) slice(tg_edits *edits, tg_text text) {
  tg_stored stored = tg_store(edits, text);
  return (types(slice)){stored.start, stored.end};
}

static types(value) pack(tg_edits *edits, tg_value value) {
  types(value) packed;
  memset(&packed, 0, sizeof packed);
  switch (value.type) {
    case TG_TEXT:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_TEXT;
      packed.val.text = slice(edits, value.text);
      break;
    case TG_BYTES:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_BYTES;
      packed.val.bytes = slice(edits, value.text);
      break;
    case TG_ENCODED:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_ENCODED;
      packed.val.encoded = slice(edits, value.text);
      break;
    case TG_SIGNED:
    case TG_UNSIGNED:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_SIGNED;
      packed.val.signed_ = value.number.signed_;
      break;
    case TG_DOUBLE:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_DOUBLE;
      packed.val.double_ = value.number.double_;
      break;
    case TG_BOOLEAN:
      packed.tag = TIDEGATE_PROCESSOR_TYPES_VALUE_BOOLEAN;
      packed.val.boolean = value.number.boolean;
      break;
  }
  return packed;
}

tg_value tg_value_text(tg_text text) { return (tg_value){.type = TG_TEXT, .text = text}; }
tg_value tg_value_bytes(tg_text bytes) { return (tg_value){.type = TG_BYTES, .text = bytes}; }
tg_value tg_value_int(int64_t number) { return (tg_value){.type = TG_SIGNED, .number.signed_ = number}; }
tg_value tg_value_double(double number) { return (tg_value){.type = TG_DOUBLE, .number.double_ = number}; }
tg_value tg_value_bool(bool truth) { return (tg_value){.type = TG_BOOLEAN, .number.boolean = truth}; }
tg_value tg_value_encoded(tg_text encoded) { return (tg_value){.type = TG_ENCODED, .text = encoded}; }

void tg_splice(tg_edits *edits, uint32_t cell, tg_range part, tg_stored with) {
  types(edit) *edit = add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_SPLICE);
  edit->val.splice = (types(splice)){cell, part.start, part.end, {with.start, with.end}};
}

void tg_replace(tg_edits *edits, uint32_t cell, tg_value value) {
  types(value) packed = pack(edits, value);
  types(edit) *edit = add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_REPLACE);
  edit->val.replace.cell = cell;
  edit->val.replace.value = packed;
}

void tg_remove(tg_edits *edits, uint32_t cell) {
  add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_REMOVE)->val.remove = cell;
}

void tg_upsert(tg_edits *edits, tg_write_id write, tg_range rows, tg_mode mode, tg_value value) {
  tg_upsert_key(edits, write, rows, tg_text_of(""), mode, value);
}

void tg_upsert_key(tg_edits *edits, tg_write_id write, tg_range rows, tg_text key, tg_mode mode, tg_value value) {
  types(slice) name = slice(edits, key);
  types(value) packed = pack(edits, value);
  types(upsert) *upsert = &add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_UPSERT)->val.upsert;
  upsert->write = write;
  upsert->first_row = rows.start;
  upsert->end_row = rows.end;
  upsert->key = name;
  upsert->value = packed;
  upsert->mode = (uint8_t)mode;
}

void tg_erase(tg_edits *edits, tg_write_id write, tg_range rows) {
  tg_erase_key(edits, write, rows, tg_text_of(""));
}

void tg_erase_key(tg_edits *edits, tg_write_id write, tg_range rows, tg_text key) {
  types(slice) name = slice(edits, key);
  types(edit) *edit = add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_ERASE);
  edit->val.erase = (types(erase)){write, rows.start, rows.end, name};
}

void tg_drop_rows(tg_edits *edits, tg_level level, tg_range rows) {
  types(edit) *edit = last(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_DROP);
  if (edit && edit->val.drop.level == (uint8_t)level && edit->val.drop.end_row == rows.start) {
    edit->val.drop.end_row = rows.end;
    return;
  }
  types(drop_rows) *drop = &add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_DROP)->val.drop;
  drop->level = (uint8_t)level;
  drop->first_row = rows.start;
  drop->end_row = rows.end;
}

void tg_route_rows(tg_edits *edits, tg_level level, tg_range rows, tg_route_id route) {
  types(edit) *edit = last(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_ROUTE);
  if (edit && edit->val.route.level == (uint8_t)level && edit->val.route.route == route &&
      edit->val.route.end_row == rows.start) {
    edit->val.route.end_row = rows.end;
    return;
  }
  types(route_rows) *to = &add(edits, TIDEGATE_PROCESSOR_TYPES_EDIT_ROUTE)->val.route;
  to->level = (uint8_t)level;
  to->first_row = rows.start;
  to->end_row = rows.end;
  to->route = route;
}
