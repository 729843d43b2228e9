// The part of a form in which a file is chosen, what was found in it is shown, and each guess can be changed.

import { field, foreign, h, problem } from "../kit/elements.js";
import { number } from "../kit/formats.js";
import { MAX_IMPORT_BYTES } from "../kit/limits.js";
import { contentOf, examplesOf, hasNewHeader, peek, separatedBy, UnreadableError } from "./peek.js";

const GIB = 1024 ** 3;
const DELIMITERS = [
  [",", "Commas"],
  [";", "Semicolons"],
  ["\t", "Tabs"],
];
const ENCODINGS = { "utf-8": "UTF-8", "utf-16le": "UTF-16", "utf-16be": "UTF-16" };
const GUID = /^(guid|object[ _]?id)$/i;
const PACKED =
  "A file that is packed can't be given another header here. Name the column of the users identity or guid in it, " +
  "or choose the file as it is unpacked.";
const NOT_UTF8 =
  "It has letters that are not UTF-8. A user whose id has such a letter will be rejected, and nothing is guessed. " +
  "In Excel, save it as “CSV UTF-8”.";
const UNITS = ["bytes", "KiB", "MiB", "GiB"];

/** A size as people say it. */
export function sized(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${number(unit ? Math.round(value * 10) / 10 : value)} ${UNITS[unit]}`;
}

/** A file's name as the API takes names: what no text may have is replaced; null if nothing of it can be seen. */
export function toldName(name) {
  const told = name.replace(/[\p{Cc}\p{Cs}\ufffd-\uffff]/gu, "_");
  return /[^\s\p{Cf}]/u.test(told) ? told : null;
}

/** Fields for a file; `take(file)` puts one in, `prepared()` gives what is to be uploaded, null if it can't be. */
export function fileFields({ drops, onchange = () => {} }) {
  let found = null;
  let turn = 0;
  const picker = h("input", {
    type: "file",
    accept: ".csv,.tsv,.txt,.json,.ndjson,.jsonl,.gz,text/csv,text/plain,application/gzip",
    class: "hidden-file",
    id: "import-file",
  });
  const label = h("span", {}, "Drop a file here, or choose one");
  const drop = h("label", { class: "drop", for: "import-file" }, label);
  const kind = h("select", {}, h("option", { value: "identity" }, "identity"), h("option", { value: "guid" }, "guid"));
  const reading = h("div", { class: "reading" });
  picker.addEventListener("change", () => picker.files[0] && take(picker.files[0]));
  drops.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drops.addEventListener("dragleave", () => drop.classList.remove("over"));
  drops.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  return {
    element: h("div", {}, h("div", { class: "field" }, picker, drop), reading),
    take,
    prepared,
    focus: () => picker.focus(),
  };

  async function take(file) {
    turn += 1;
    const mine = turn;
    found = null;
    picker.value = "";
    try {
      if (file.size > MAX_IMPORT_BYTES)
        throw new UnreadableError(
          `The file has ${sized(file.size)}, and an import takes ${MAX_IMPORT_BYTES / GIB} GiB. ` +
            "Send it packed with gzip, or in several files.",
        );
      const seen = await peek(file);
      if (mine !== turn) return;
      found = seen;
    } catch (error) {
      if (mine !== turn) return;
      const why = error instanceof UnreadableError ? error.message : `The file can't be read: ${error.message}`;
      reading.replaceChildren(named(file), problem(why));
      label.textContent = "Choose another file";
      onchange(null);
      return;
    }
    label.textContent = "Choose another file";
    const name = found.format === "CSV" && found.column !== null ? (found.rows[0]?.[found.column] ?? "") : "";
    kind.value = GUID.test(name) ? "guid" : "identity";
    render();
    onchange(found);
  }

  function prepared() {
    if (!found || refusal()) return null;
    return { name: found.file.name, content: contentOf(found, kind.value) };
  }

  /** Why the file can't be sent as it is read now, or null. */
  function refusal() {
    return found.isGzip && hasNewHeader(found) ? PACKED : null;
  }

  function named(file) {
    return h("p", { class: "file" }, foreign(file.name), ` (${sized(file.size)})`);
  }

  function render(focused = null) {
    const rows = examplesOf(found);
    const refused = refusal();
    reading.replaceChildren(
      named(found.file),
      h(
        "dl",
        { class: "facts" },
        h("div", {}, h("dt", {}, "Format"), h("dd", {}, `${found.format}${found.isGzip ? ", packed with gzip" : ""}`)),
        h("div", {}, h("dt", {}, "Encoding"), h("dd", {}, found.isRight ? ENCODINGS[found.encoding] : "not UTF-8")),
      ),
      ...(found.isRight ? [] : [h("p", { class: "hint" }, NOT_UTF8)]),
      ...(found.format === "CSV" ? csvControls() : []),
      h("p", {}, rows.length ? "The first users in it:" : "There are no rows in it."),
      h(
        "ul",
        { class: "sample" },
        rows.map((id) => h("li", {}, id ? foreign(id) : h("span", { class: "none" }, "nobody: this row is rejected"))),
      ),
      ...(refused ? [problem(refused)] : []),
    );
    if (focused) reading.querySelector(focused)?.focus();
  }

  function csvControls() {
    const known = [...DELIMITERS];
    if (!known.some(([mark]) => mark === found.separated)) known.push([found.separated, found.separated]);
    const delimiter = h(
      "select",
      { id: "import-delimiter" },
      known.map(([mark, name]) => h("option", { value: mark }, name)),
    );
    delimiter.value = found.delimiter;
    delimiter.addEventListener("change", () => change(separatedBy(found, delimiter.value), "#import-delimiter"));
    const first = found.rows[0] ?? [];
    const column = h(
      "select",
      { id: "import-column" },
      found.asIs ? h("option", { value: "" }, found.asIs.label) : null,
      first.map((cell, index) =>
        h("option", { value: index }, (found.hasHeader && cell) || `Column ${index + 1}`),
      ),
    );
    column.value = found.column === null ? "" : String(found.column);
    column.addEventListener("change", () =>
      change({ ...found, column: column.value === "" ? null : Number(column.value) }, "#import-column"),
    );
    return [
      found.asIs ? null : headerChoice(first),
      h(
        "div",
        { class: "guesses" },
        field("Column with the users", column),
        found.column === null ? null : field("Users are named by", kind),
        field("Cells are separated by", delimiter),
      ),
      found.unclosed === null
        ? null
        : problem(`The double quote that opens a cell in row ${number(found.unclosed)} has no other that closes it.`),
    ].filter(Boolean);
  }

  function headerChoice(first) {
    const [header, user] = [true, false].map((value) =>
      h("input", {
        type: "radio",
        name: "first-row",
        required: true,
        checked: found.hasHeader === value,
        onchange: () => change({ ...found, hasHeader: value }, "input:checked"),
      }),
    );
    return h(
      "fieldset",
      { class: "choice" },
      h("legend", {}, "The first row"),
      found.hasHeader === null
        ? h("p", { class: "hint" }, foreign(first[found.column] ?? ""), " may be the name of the column, or a user.")
        : null,
      h("label", {}, header, "has names of columns"),
      h("label", {}, user, "is a user"),
      found.hasHeader === false && found.top === 0
        ? h("p", { class: "hint" }, "It is sent with a header before it, so the lines of rejected rows count one more.")
        : null,
    );
  }

  function change(next, focused) {
    found = next;
    render(focused);
    onchange(found);
  }
}
