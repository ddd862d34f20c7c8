/** UTF-8, by hand: QuickJS has no TextDecoder. */

/** The text of bytes from `start` to before `end`, which are UTF-8: the host has checked them. */
export function decode(bytes, start = 0, end = bytes.length) {
  let text = "";
  let codes = [];
  for (let at = start; at < end; ) {
    const lead = bytes[at++];
    if (lead < 0x80) codes.push(lead);
    else if (lead < 0xe0) codes.push(((lead & 0x1f) << 6) | (bytes[at++] & 0x3f));
    else if (lead < 0xf0) codes.push(((lead & 0x0f) << 12) | ((bytes[at++] & 0x3f) << 6) | (bytes[at++] & 0x3f));
    else {
      const code =
        ((lead & 0x07) << 18) | ((bytes[at++] & 0x3f) << 12) | ((bytes[at++] & 0x3f) << 6) | (bytes[at++] & 0x3f);
      codes.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
    }
    // As many arguments as an engine takes at once.
    if (codes.length > 4000) {
      text += String.fromCharCode(...codes);
      codes = [];
    }
  }
  return text + String.fromCharCode(...codes);
}

/** Puts the bytes of a text at the end of a list of numbers. Half a character becomes U+FFFD. */
export function encode(text, bytes = []) {
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xe000) {
      const low = code < 0xdc00 ? text.charCodeAt(at + 1) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at++;
      } else code = 0xfffd;
    }
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return bytes;
}
