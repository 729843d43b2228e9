// What the beginning of a file tells of it, as the API will read it, and the file as it is uploaded. A file may have
// gigabytes: no more than its first 64 KiB is ever in memory.

import { CsvParser, delimiterOf } from "../kit/csv.js";

const HEAD_BYTES = 65_536;
const EXAMPLES = 5;

const NAMED = /^(identity|guid|object[ _]?id|user[ _]?id|customer[ _]?id|profile[ _]?id|id)$/i;
const COLUMN =
  /^(e?mail|emailaddress|phone|phonenumber|mobile|msisdn|(first|last|full|user|customer)?name|users?|customers?|members?|contacts?|accounts?|(customer|member|account|client)(id|no|number)|uu?id)$/i;
const SEPARATOR = /^"?sep=([^"\w\n ])"? *$/i;

// What people send instead of text, by its first bytes, as api_segments.imports.files.text knows it.
const OTHERS = [
  ["PK\x03\x04", "an Excel workbook (.xlsx) or a zip archive"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"],
  ["%PDF", "a PDF"],
  ["PAR1", "Parquet"],
];
const SAVE_AS = "Save it as CSV (in Excel: “CSV UTF-8”), and choose that.";

/** The file can't be imported as it is; the message says why, and what to do. */
export class UnreadableError extends Error {}

/** Look at the beginning of a file; rejects with an UnreadableError. */
export async function peek(file) {
  if (file.size === 0) throw new UnreadableError("The file is empty.");
  const start = await bytesOf(file.slice(0, HEAD_BYTES));
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const head = isGzip ? await unpacked(file.slice(0, HEAD_BYTES)) : start;
  const { encoding, mark, isRight } = encodingOf(head);
  const text = new TextDecoder(encoding).decode(head.subarray(mark), { stream: true });
  const isWhole = file.size <= HEAD_BYTES && !isGzip;
  const first = text.trimStart();
  const found = { file, isGzip, encoding, mark, isRight };
  if (first.startsWith("["))
    throw new UnreadableError("The file is a JSON list. Write one object a line, without brackets and commas.");
  if (first.startsWith("{")) return { ...found, format: "NDJSON", examples: jsonExamples(text, isWhole) };
  return { ...found, format: "CSV", ...csvOf(head, found, isWhole) };
}

async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}

async function unpacked(blob) {
  const reader = blob.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const pieces = [];
  let size = 0;
  try {
    while (size < HEAD_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      size += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // the piece ends where the file goes on
  }
  if (!size) throw new UnreadableError("The file begins as gzip does, and can't be unpacked. Was it cut off?");
  return bytesOf(new Blob(pieces).slice(0, HEAD_BYTES));
}

/** The encoding that the API finds, the length of its mark, and whether the beginning is right in it. */
function encodingOf(head) {
  const startsWith = (...bytes) => bytes.every((byte, index) => head[index] === byte);
  const letters = String.fromCharCode(...head.subarray(0, 8));
  for (const [magic, name] of OTHERS)
    if (letters.startsWith(magic)) throw new UnreadableError(`The file is ${name}, no text. ${SAVE_AS}`);
  if (startsWith(0xff, 0xfe, 0, 0) || startsWith(0, 0, 0xfe, 0xff))
    throw new UnreadableError("The file is in UTF-32. Save it as UTF-8, and choose that.");
  if (startsWith(0xff, 0xfe)) return { encoding: "utf-16le", mark: 2, isRight: true };
  if (startsWith(0xfe, 0xff)) return { encoding: "utf-16be", mark: 2, isRight: true };
  if (head[0] && head[1] === 0 && !head[3]) return { encoding: "utf-16le", mark: 0, isRight: true };
  if (head[0] === 0 && head[1]) return { encoding: "utf-16be", mark: 0, isRight: true };
  if (head.subarray(0, 1024).includes(0)) throw new UnreadableError(`The file is no text. ${SAVE_AS}`);
  const mark = startsWith(0xef, 0xbb, 0xbf) ? 3 : 0;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return { encoding: "utf-8", mark, isRight: true };
  } catch {
    return { encoding: "utf-8", mark, isRight: false };
  }
}

function jsonExamples(text, isWhole) {
  const lines = text.split(/\r\n|\r|\n/);
  if (!isWhole) lines.pop();
  const ids = lines.filter((line) => line.trim()).map(idOfLine);
  return ids.slice(0, EXAMPLES);
}

function idOfLine(line) {
  try {
    const { identity, guid } = JSON.parse(line);
    return String(identity ?? guid ?? "");
  } catch {
    return "";
  }
}

/** Rows of CSV with where each ends, in bytes or in pairs of bytes, so that the first can be replaced. */
function csvOf(head, { encoding, mark, isRight }, isWhole) {
  // A code unit for each byte, or pair of bytes, whatever is wrong with them: so that positions are those of the file.
  const exact = encoding === "utf-8" ? "windows-1252" : encoding;
  const units = new TextDecoder(exact).decode(head.subarray(mark), { stream: true });
  const text = new TextDecoder(isRight ? encoding : "windows-1252").decode(head.subarray(mark), { stream: true });
  const lines = units.split(/(?<=\n|\r(?!\n))/);
  const separator = SEPARATOR.exec(lines[0].trimEnd());
  const top = separator ? 1 : lines.findIndex((line) => line.replace(/[,;\t\s]/g, ""));
  if (top < 0 || top >= lines.length) throw new UnreadableError("The file has no rows.");
  const own = separator ? [separator[1]] : [",", ";", "\t"];
  const isHeader = (delimiter) => names(firstRow(lines.slice(top), delimiter).cells).some(isOurs);
  const guessed = separator?.[1] ?? own.find(isHeader) ?? delimiterOf(lines[top]);
  const seen = { lines, text, top, isWhole, separated: guessed };
  return { ...seen, ...csvBy(guessed, seen) };
}

/** The same, as it is when its cells are separated so. */
export function separatedBy(found, delimiter) {
  return { ...found, ...csvBy(delimiter, found) };
}

function csvBy(delimiter, { lines, text, top, isWhole }) {
  const parser = new CsvParser(delimiter);
  const rows = parser.push(text);
  if (isWhole || !rows.length) rows.push(...parser.end());
  const kept = rows.filter((row) => row.some((cell) => cell.trim()));
  if (kept.length && SEPARATOR.test(kept[0].join(delimiter))) kept.shift();
  const { end, taken } = firstRow(lines.slice(top), delimiter);
  const before = lines.slice(0, top).join("").length;
  const shown = kept.slice(0, EXAMPLES + 1).map((row) => row.map((cell) => cell.trim()));
  const first = shown[0] ?? [];
  const asIs = readAsItIs(first, shown.slice(1));
  const named = Math.max(0, first.findIndex((cell) => NAMED.test(cell)));
  const hasHeader = asIs !== null || NAMED.test(first[named] ?? "") || headerIn(shown, named);
  return {
    delimiter,
    rows: shown,
    asIs,
    column: asIs ? null : named, // null: as the API reads it by itself
    hasHeader,
    top,
    topEnd: before, // in bytes, or pairs of them, after the mark
    headerEnd: before + end,
    headerLines: top + taken,
    unclosed: isWhole ? parser.unclosed : null,
  };
}

/** The cells of the first row, where it ends, and of how many lines it is. */
function firstRow(lines, delimiter) {
  const parser = new CsvParser(delimiter);
  let end = 0;
  for (const [index, line] of lines.entries()) {
    end += line.length;
    const [cells] = parser.push(line);
    if (cells) return { cells, end, taken: index + 1 };
  }
  return { cells: parser.end()[0] ?? [], end, taken: lines.length };
}

function names(cells) {
  return cells.map((cell) => cell.trim().toLowerCase());
}

function isOurs(name) {
  return name === "identity" || name === "guid";
}

/** Which columns the API reads by itself, and the users of rows as it does; null if it finds none. */
function readAsItIs(first, others) {
  const columns = names(first);
  const [identity, guid, type] = ["identity", "guid", "type"].map((name) => columns.indexOf(name));
  if (identity < 0 && guid < 0) return null;
  const isByType = identity >= 0 && guid < 0 && type >= 0;
  if (isByType && !others.every((row) => /^[ig]?$/i.test(row[type] ?? ""))) return null;
  const label = isByType
    ? "Identity, of the kind that Type says (i or g)"
    : identity >= 0 && guid >= 0
      ? "identity, and guid where that is empty"
      : identity >= 0
        ? "identity"
        : "guid";
  return { label, idOf: (row) => (identity >= 0 && row[identity]) || row[guid] || "" };
}

/** Whether the first row names columns: by usual names of some; null where it may, as its cells are unlike those below. */
function headerIn([first = [], ...others], column) {
  const isName = (cell, index) =>
    COLUMN.test(cell.replace(/[\s_-]/g, "")) && others.every((row) => row[index] !== cell);
  if (isName(first[column] ?? "", column)) return true;
  const isNumbered = (row) => /[\d@]/.test(row[column] ?? "");
  const below = others.filter((row) => row[column]);
  const isUnlike = first[column] && !isNumbered(first) && below.length > 0 && below.every(isNumbered);
  return isUnlike || first.some(isName) ? null : false;
}

/** The first users of a file, as they are read now. */
export function examplesOf(found) {
  if (found.format === "NDJSON") return found.examples;
  const rows = found.hasHeader ? found.rows.slice(1) : found.rows.slice(0, EXAMPLES);
  return rows.map((row) => (found.column === null ? found.asIs.idOf(row) : (row[found.column] ?? "")));
}

/** Whether it is uploaded with another header than its own. */
export function hasNewHeader(found) {
  return found.format === "CSV" && (found.column !== null || found.delimiter !== found.separated);
}

/**
 * What is uploaded: the file, or, where its users are in another column than the API would look in, the file with a header
 * that names that. Lines keep their numbers, unless the file has no header of its own. Nothing of it is read for that.
 */
export function contentOf(found, kind) {
  if (!hasNewHeader(found)) return found.file;
  const { file, mark, encoding, column, asIs, rows, delimiter, hasHeader, top, topEnd, headerEnd, headerLines } = found;
  const own = names(rows[0]);
  const header = rows[0].map((_, index) => {
    if (column === null) return asIs && (isOurs(own[index]) || own[index] === "type") ? own[index] : `column ${index + 1}`;
    return index === column ? kind : `column ${index + 1}`;
  });
  const unit = encoding === "utf-8" ? 1 : 2;
  const text = header.join(delimiter) + "\n".repeat(hasHeader ? headerLines : Math.max(1, top));
  const from = mark + (hasHeader ? headerEnd : topEnd) * unit;
  return new Blob([file.slice(0, mark), encoded(text, encoding), file.slice(from)]);
}

function encoded(text, encoding) {
  if (encoding === "utf-8") return text;
  const bytes = new DataView(new ArrayBuffer(text.length * 2));
  for (let index = 0; index < text.length; index += 1)
    bytes.setUint16(index * 2, text.charCodeAt(index), encoding === "utf-16le");
  return bytes;
}
