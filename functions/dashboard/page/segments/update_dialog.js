// The dialog that adds users to a segment or removes them: from typed lines or from a CSV file, however large.

import { readCsv, unguarded } from "../kit/csv.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, problem } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";
import { UpdateRun } from "./update_run.js";

const KNOWN = /^(identity|guid|object[ _]?id|user[ _]?id|customer[ _]?id|profile[ _]?id|id)$/i;
const COLUMN =
  /^(e?mail|emailaddress|phone|phonenumber|mobile|msisdn|(first|last|full|user|customer)?name|users?|customers?|members?|contacts?|accounts?|(customer|member|account|client)(id|no|number)|uu?id)$/i;
const PREVIEW = 5;
const HEAD = 65536;
const REJECTED_HEADER = /^(identity|guid),row,error$/;

export function usersDialog({ api, segment, file = null, action = "ADD", ondone }) {
  let chosen = null; // {file, head, rows}
  let run = null;
  const add = h("input", { type: "radio", name: "action", value: "ADD", checked: action === "ADD" });
  const remove = h("input", { type: "radio", name: "action", value: "REMOVE", checked: action === "REMOVE" });
  const key = h("select", {}, h("option", { value: "identity" }, "identity"), h("option", { value: "guid" }, "guid"));
  const lines = h("textarea", { rows: "5", spellcheck: "false" });
  const picker = h("input", {
    type: "file",
    accept: ".csv,.tsv,.txt,text/csv,text/plain",
    class: "hidden-file",
    id: "csv-file",
  });
  const drop = h("label", { class: "drop", for: "csv-file" }, h("span", {}, "Drop a CSV file here, or choose one"));
  const preview = h("div");
  const submit = h("button", { class: "primary" });
  const outcome = h("div", { class: "outcome" });
  const form = h(
    "form",
    { class: "users", onsubmit: start },
    h(
      "fieldset",
      { class: "choice" },
      h("legend", {}, "What to do"),
      h("label", {}, add, "Add"),
      h("label", {}, remove, "Remove"),
    ),
    field("Users are named by", key, "Your own id of a user, or the guid that the API gave."),
    field("Users, one a line", lines),
    h("div", { class: "field" }, picker, drop),
    preview,
    outcome,
    h("footer", {}, submit),
  );
  const stage = h("div", {}, form);
  const dialog = openDialog("Add or remove users", stage, () => {
    if (!run) return;
    run.stop();
    ondone(run);
  });

  const renew = () => (submit.textContent = add.checked ? "Add users" : "Remove users");
  add.addEventListener("change", renew);
  remove.addEventListener("change", renew);
  picker.addEventListener("change", () => picker.files[0] && choose(picker.files[0]));
  dialog.element.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  dialog.element.addEventListener("dragleave", () => drop.classList.remove("over"));
  dialog.element.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!run && event.dataTransfer.files[0]) choose(event.dataTransfer.files[0]);
  });
  renew();
  if (file) choose(file);
  else lines.focus();

  async function choose(picked) {
    let head;
    try {
      head = await firstRows(picked);
    } catch (error) {
      preview.replaceChildren(problem(`The file can't be read: ${error.message}`));
      return;
    }
    chosen = describe(picked, head);
    lines.disabled = true;
    drop.firstChild.textContent = "Choose another file";
    renderPreview();
  }

  function forget() {
    chosen = null;
    lines.disabled = false;
    picker.value = "";
    drop.firstChild.textContent = "Drop a CSV file here, or choose one";
    preview.replaceChildren();
    lines.focus();
  }

  function renderPreview() {
    const { rows } = chosen;
    const width = Math.max(1, ...rows.map((row) => row.length));
    const [header, user] = [true, false].map((value) =>
      h("input", {
        type: "radio",
        name: "first-row",
        required: true,
        checked: chosen.hasHeader === value,
        onchange: () => {
          chosen.hasHeader = value;
          renderPreview();
          preview.querySelector("input:checked").focus();
        },
      }),
    );
    const names = Array.from(
      { length: width },
      (_, index) => (chosen.hasHeader && rows[0]?.[index]) || `Column ${index + 1}`,
    );
    const column = h(
      "select",
      {},
      names.map((name, index) => h("option", { value: index }, name)),
    );
    column.value = String(chosen.column);
    column.id = "users-column";
    if (chosen.hasHeader && /^(guid|object[ _]?id)$/i.test(names[chosen.column])) key.value = "guid";
    column.addEventListener("change", () => {
      chosen.column = Number(column.value);
      renderPreview();
      preview.querySelector("#users-column").focus();
    });
    const shown = rows.slice(chosen.hasHeader ? 1 : 0, (chosen.hasHeader ? 1 : 0) + PREVIEW);
    const ids = shown.map((row) => h("li", {}, foreign(row[chosen.column] ?? "")));
    preview.replaceChildren(
      h(
        "div",
        { class: "file" },
        h("p", {}, foreign(chosen.file.name), ` (${number(Math.ceil(chosen.file.size / 1024))} KiB)`),
        h("button", { type: "button", class: "small", onclick: forget }, "Take it away"),
      ),
      h(
        "fieldset",
        { class: "choice" },
        h("legend", {}, "The first row"),
        chosen.hasHeader === null
          ? h("p", { class: "hint" }, foreign(rows[0][chosen.column]), " may be the name of the column, or a user.")
          : null,
        h("label", {}, header, "has names of columns"),
        h("label", {}, user, "is a user"),
      ),
      field("Column with the users", column),
      ids.length ? h("p", {}, "The first users in it:") : h("p", {}, "There are no rows in it."),
      h("ul", { class: "sample" }, ids),
    );
  }

  async function start(event) {
    event.preventDefault();
    if (!chosen && !lines.value.trim()) {
      outcome.replaceChildren(problem("Name at least one user, or choose a file."));
      lines.focus();
      return;
    }
    const source = chosen ? rowsOf(chosen) : linesOf(lines.value);
    const size = chosen ? chosen.file.size : lines.value.length;
    run = new UpdateRun(api, segment.id, add.checked ? "ADD" : "REMOVE", key.value);
    dialog.hold(true);
    const warn = (leaving) => leaving.preventDefault();
    window.addEventListener("beforeunload", warn);
    const screen = progressScreen(run, size, chosen?.file.name);
    stage.replaceChildren(screen.element);
    screen.focus();
    try {
      await run.work(source);
    } catch (error) {
      run.failure ??= `The file could not be read to its end: ${error.message}`;
    }
    window.removeEventListener("beforeunload", warn);
    dialog.hold(false);
    stage.replaceChildren(resultScreen(run, segment, () => dialog.close()));
    stage.querySelector("h3").focus();
  }
}

function progressScreen(run, size, name) {
  const started = performance.now();
  const bar = h("progress", { max: "1", value: "0", "aria-label": "Progress" });
  const told = h("p", { class: "told" });
  const totals = h("div");
  const stop = h("button", { type: "button", onclick: halt }, "Stop");
  const render = () => {
    const share = size ? Math.min(1, run.done / size) : 0;
    bar.value = share;
    const seconds = (performance.now() - started) / 1000;
    const left =
      share > 0.02 && seconds > 2
        ? `, about ${counted(Math.ceil((seconds * (1 - share)) / share), "second")} left`
        : "";
    const again = run.retries ? `, ${counted(run.retries, "request")} tried again` : "";
    told.textContent = run.stopped
      ? "Stopping: waiting for what is on its way …"
      : `${Math.floor(share * 100)} %${left}${again}`;
    totals.replaceChildren(totalsTable(run));
  };
  function halt() {
    run.stop();
    stop.disabled = true;
    render();
  }
  run.addEventListener("progress", render);
  render();
  const doing = run.segment.action === "ADD" ? "Adding users" : "Removing users";
  const element = h(
    "div",
    { class: "running" },
    h("p", {}, doing, name ? [" from ", foreign(name)] : null),
    bar,
    told,
    totals,
    h("footer", {}, stop),
  );
  return { element, focus: () => stop.focus() };
}

function resultScreen(run, segment, close) {
  const told = run.failure ? `Ended before the end: ${run.failure}` : run.stopped ? "Stopped" : "Done";
  const rest =
    run.failure || run.stopped
      ? h(
          "p",
          {},
          `${run.last ? `The last row that was sent is row ${number(run.last)}; those after it were not.` : "No row was sent."} Sending the same file again is safe: who is as asked already counts as unchanged.`,
        )
      : null;
  announce(`${told}. ${sentence(run)}`);
  const screen = h(
    "div",
    { class: "result" },
    h("h3", { tabindex: "-1", class: run.failure ? "bad" : null }, told),
    totalsTable(run),
    rest,
  );
  if (run.rejected.count) screen.append(...rejectedPart(run, segment));
  screen.append(h("footer", {}, h("button", { type: "button", class: "primary", onclick: close }, "Close")));
  return screen;
}

function rejectedPart(run, segment) {
  const url = URL.createObjectURL(run.rejected.file());
  const rows = run.rejected.first
    .toSorted((a, b) => a.row - b.row)
    .map(({ row, id, error }) =>
      h(
        "tr",
        {},
        h("td", { class: "number" }, number(row)),
        h("td", { class: "clamped" }, foreign(id)),
        h("td", {}, error),
      ),
    );
  const more =
    run.rejected.count > rows.length
      ? `The first ${rows.length} of ${counted(run.rejected.count, "rejected row")}:`
      : "Rejected:";
  return [
    h(
      "p",
      {},
      h(
        "a",
        { class: "button", href: url, download: `rejected-${segment.id}.csv` },
        `Download the ${counted(run.rejected.count, "rejected row")}`,
      ),
    ),
    h("p", {}, more),
    h(
      "div",
      { class: "scroller short", tabindex: "0", role: "region", "aria-label": "Rejected rows" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col", class: "number" }, "Row"),
            h("th", { scope: "col" }, run.key),
            h("th", { scope: "col" }, "Why"),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
  ];
}

function figures(run) {
  const { added, removed, unchanged, profiles_created: created } = run.totals;
  return {
    Rows: run.rows,
    Added: added,
    Removed: removed,
    Unchanged: unchanged,
    Rejected: run.rejected.count,
    "New users": created,
  };
}

function totalsTable(run) {
  return h(
    "dl",
    { class: "totals" },
    Object.entries(figures(run)).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, number(value)))),
  );
}

/** `4,990 added, 10 unchanged`: what is not nothing. */
export function sentence(run) {
  const { added, removed, unchanged } = run.totals;
  const parts = { added, removed, unchanged, rejected: run.rejected.count };
  return (
    Object.entries(parts)
      .filter(([, value]) => value)
      .map(([name, value]) => `${number(value)} ${name}`)
      .join(", ") || "Nothing to do"
  );
}

async function firstRows(file) {
  const rows = [];
  try {
    for await (const piece of readCsv(file.slice(0, HEAD))) rows.push(...piece.rows);
  } catch (error) {
    if (file.size <= HEAD || !rows.length) throw error; // else the cut may be inside quotes
  }
  return rows.slice(0, PREVIEW + 1);
}

function describe(file, rows) {
  const first = rows[0] ?? [];
  const found = first.findIndex((cell) => KNOWN.test(cell.trim()));
  const isRejected = REJECTED_HEADER.test(first.join(","));
  const column = Math.max(0, found);
  return {
    file,
    rows,
    hasHeader: found >= 0 || headerIn(rows, column),
    column,
    clean: isRejected ? unguarded : (cell) => cell,
  };
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

/** The users of a file, row by row as it is read; rows without anything are passed over. */
async function* rowsOf({ file, hasHeader, column, clean }) {
  let row = 0;
  let before = 0;
  for await (const { rows, read } of readCsv(file)) {
    const entries = [];
    for (const cells of rows) {
      row += 1;
      if ((row === 1 && hasHeader) || cells.every((cell) => cell === "")) continue;
      entries.push({ row, id: clean(cells[column] ?? "") });
    }
    yield { entries, span: read - before };
    before = read;
  }
}

async function* linesOf(text) {
  const entries = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim()) entries.push({ row: index + 1, id: line.trim() });
  }
  yield { entries, span: text.length };
}
