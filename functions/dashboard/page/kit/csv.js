// CSV, read in pieces of any size and written so that a spreadsheet takes no cell for a formula.

import { number } from "./formats.js";

/** Takes text piece by piece, gives rows of cells as they end. Quotes, doubled quotes, CR, LF, CRLF, a byte order mark. */
export class CsvParser {
  #delimiter;
  #cells = [];
  #cell = "";
  #quoted = false;
  #closing = false; // a quote was seen inside quotes: it ends them, unless another follows
  #afterReturn = false;
  #started = false;
  #empty = true; // nothing of the present row was seen
  #ended = 0; // rows
  #unclosed = null;

  constructor(delimiter = ",") {
    this.#delimiter = delimiter;
  }

  /** Return the rows that `text` brings to their end. */
  push(text) {
    const rows = [];
    const from = !this.#started && text.startsWith("\ufeff") ? 1 : 0;
    if (text) this.#started = true;
    for (let position = from; position < text.length; position += 1) {
      const character = text[position];
      if (this.#quoted && !this.#closing) {
        if (character === '"') this.#closing = true;
        else position = this.#take(text, position, '"');
        continue;
      }
      if (this.#closing) {
        this.#closing = false;
        if (character === '"') {
          this.#cell += '"';
          continue;
        }
        this.#quoted = false;
      }
      if (character === "\n" && this.#afterReturn) {
        this.#afterReturn = false;
        continue;
      }
      this.#afterReturn = character === "\r";
      if (character === "\n" || character === "\r") rows.push(this.#row());
      else if (character === this.#delimiter) this.#next();
      else if (character === '"' && this.#cell === "") {
        this.#quoted = true;
        this.#empty = false;
      } else {
        this.#cell += character;
        this.#empty = false;
      }
    }
    return rows;
  }

  /** After the end: the row in which quotes open that nothing closes, counted from 1, or null. */
  get unclosed() {
    return this.#unclosed;
  }

  /** Return the last row, if the text does not end with a line's end. */
  end() {
    if (this.#quoted && !this.#closing) this.#unclosed = this.#ended + 1;
    this.#quoted = this.#closing = false;
    return this.#empty ? [] : [this.#row()];
  }

  /** Take what stands before the next `stop` in one go. */
  #take(text, position, stop) {
    const end = text.indexOf(stop, position);
    const until = end < 0 ? text.length : end;
    this.#cell += text.slice(position, until);
    return until - 1;
  }

  #next() {
    this.#cells.push(this.#cell);
    this.#cell = "";
    this.#empty = false;
  }

  #row() {
    this.#ended += 1;
    this.#cells.push(this.#cell);
    const row = this.#cells;
    this.#cells = [];
    this.#cell = "";
    this.#empty = true;
    return row;
  }
}

const FORMULA = /^[=+\-@\t\r]/;

/** One line of CSV. A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvLine(cells) {
  return `${cells.map((cell) => quoted(guarded(String(cell)))).join(",")}\r\n`;
}

export function guarded(cell) {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** The cell as it was before `guarded`. */
export function unguarded(cell) {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;
}

function quoted(cell) {
  return /["\r\n,]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** Return which of comma, semicolon and tab a first line most likely uses. */
export function delimiterOf(line) {
  const count = (mark) => line.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** What is wrong with a text whose quotes open in that `row` and swallow all that follows. */
export function notClosed(row) {
  return `the double quote that opens a cell in ${row} has no other that closes it`;
}

/** Yields `{rows, read}` of a file as they are read: rows that ended, and how many bytes it took so far. */
export async function* readCsv(file) {
  const start = new Uint8Array(await file.slice(0, 65536).arrayBuffer());
  const encoding = encodingOf(start);
  const parser = new CsvParser(delimiterOf(new TextDecoder(encoding).decode(start).split(/[\r\n]/, 1)[0]));
  const decoder = new TextDecoder(encoding);
  const reader = file.stream().getReader();
  let read = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.byteLength;
      yield { rows: parser.push(decoder.decode(value, { stream: true })), read };
    }
    const rows = [...parser.push(decoder.decode()), ...parser.end()];
    if (parser.unclosed !== null) throw new Error(notClosed(`row ${number(parser.unclosed)}`));
    yield { rows, read };
  } finally {
    await reader.cancel();
  }
}

function encodingOf(start) {
  if (start[0] === 0xff && start[1] === 0xfe) return "utf-16le";
  if (start[0] === 0xfe && start[1] === 0xff) return "utf-16be";
  return "utf-8";
}
