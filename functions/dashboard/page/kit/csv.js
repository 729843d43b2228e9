// CSV, read in pieces of any size.

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

/** Return which of comma, semicolon and tab a first line most likely uses. */
export function delimiterOf(line) {
  const count = (mark) => line.split(mark).length;
  return [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** What is wrong with a text whose quotes open in that `row` and swallow all that follows. */
export function notClosed(row) {
  return `the double quote that opens a cell in ${row} has no other that closes it`;
}
