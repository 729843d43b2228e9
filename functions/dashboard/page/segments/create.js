// Creating segments: one from a form, or many from pasted lines.

import { ApiError, newKey } from "../kit/api.js";
import { CsvParser, notClosed } from "../kit/csv.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, keepFocus, problem } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";
import { MAX_ID_CHARACTERS, MAX_SEGMENTS_PER_CREATE } from "../kit/limits.js";

export function createDialog(api, ondone) {
  let created = 0;
  const keys = new Map(); // of requests that got no answer: sent again from here, they are the same request
  const one = h("input", { type: "radio", name: "how", value: "one", checked: true });
  const many = h("input", { type: "radio", name: "how", value: "many" });
  const name = h("input", { type: "text", autocomplete: "off", required: true });
  const customer = h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const lines = h("textarea", { rows: "8", spellcheck: "false", required: true });
  const single = h(
    "div",
    {},
    field("Name", name, `1 to ${MAX_ID_CHARACTERS} characters.`),
    field(
      "Customer id (optional)",
      customer,
      "Your own id of it, unique in the account for ever, also after deletion.",
    ),
  );
  const several = h(
    "div",
    { hidden: true },
    field(
      "Segments, one a line",
      lines,
      "A name, or a name and a customer id with a comma or a tab between them. Put a name that has a comma in double quotes, unless there are tabs.",
    ),
  );
  const outcome = h("div", { class: "outcome" });
  const submit = h("button", { class: "primary" }, "Create");
  const form = h(
    "form",
    { onsubmit: send },
    h(
      "fieldset",
      { class: "choice" },
      h("legend", {}, "How many"),
      h("label", {}, one, "One"),
      h("label", {}, many, "Many, from pasted lines"),
    ),
    single,
    several,
    outcome,
    h("footer", {}, submit),
  );
  const choose = () => {
    single.hidden = name.disabled = many.checked;
    several.hidden = lines.disabled = one.checked;
  };
  one.addEventListener("change", choose);
  many.addEventListener("change", choose);
  choose();
  const dialog = openDialog("Create segments", form, () => created && ondone());
  name.focus();

  async function send(event) {
    event.preventDefault();
    let entries;
    let refused;
    try {
      ({ entries, refused } = one.checked
        ? { entries: [entryOf([name.value, customer.value])], refused: [] }
        : parse(lines.value));
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
      return;
    }
    submit.disabled = true;
    dialog.hold(true);
    outcome.replaceChildren(h("p", {}, `Creating ${counted(entries.length, "segment")} …`));
    const result = await createAll(api, entries, keys, (done) => {
      outcome.replaceChildren(h("p", {}, `Creating ${counted(entries.length, "segment")}, ${done} done …`));
    });
    result.refused.push(...refused);
    created += result.created.length;
    submit.disabled = false;
    dialog.hold(false);
    if (result.refused.length === 0) {
      announce(`Created ${counted(result.created.length, "segment")}`);
      dialog.close();
      return;
    }
    show(result);
    keepFocus(submit);
  }

  function show({ created: made, refused }) {
    const said = made.length ? `Created ${counted(made.length, "segment")}; ` : "";
    if (one.checked) {
      outcome.replaceChildren(problem(refused[0].error));
      return;
    }
    lines.value = refused.map(({ entry, cells = cellsOf(entry) }) => lineOf(cells)).join("\n");
    const rows = refused.map(({ entry, cells = cellsOf(entry), error }) =>
      h("tr", {}, h("td", { class: "clamped" }, foreign(cells[0])), h("td", {}, error)),
    );
    outcome.replaceChildren(
      problem(
        `${said}${counted(refused.length, "line")} could not be created and ${refused.length === 1 ? "is" : "are"} left above, to be mended and sent again.`,
      ),
      h(
        "div",
        { class: "scroller short", tabindex: "0", role: "region", "aria-label": "What could not be created" },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Why not"))),
          h("tbody", {}, rows),
        ),
      ),
    );
  }
}

function entryOf([name, customer]) {
  return { segment_name: name, ...(customer ? { customer_segment_id: customer } : {}) };
}

function cellsOf(entry) {
  return entry.customer_segment_id ? [entry.segment_name, entry.customer_segment_id] : [entry.segment_name];
}

function lineOf(cells) {
  return cells.map((cell) => (/[",\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");
}

/** The entries of pasted lines, and the lines that are none; a customer id is taken for ever, so nothing is guessed. */
export function parse(text) {
  const parser = new CsvParser(text.includes("\t") ? "\t" : ",");
  const rows = [...parser.push(text), ...parser.end()].map((row) => row.map((cell) => cell.trim()));
  if (parser.unclosed !== null) {
    const told = notClosed(`line ${number(parser.unclosed)}`);
    throw new Error(`${told[0].toUpperCase()}${told.slice(1)}.`);
  }
  const isTooLong = (row) => row.slice(2).some((cell) => cell);
  const refused = rows.filter(isTooLong);
  return {
    entries: rows.filter((row) => row.some((cell) => cell) && !isTooLong(row)).map(entryOf),
    refused: refused.map((cells) => ({ cells, error: "has more than a name and a customer id" })),
  };
}

/** Create the entries, as many a request as it takes; each stands or falls alone. `keys` outlives requests without an answer. */
async function createAll(api, entries, keys, tell) {
  const result = { created: [], refused: [] };
  for (let start = 0; start < entries.length; start += MAX_SEGMENTS_PER_CREATE) {
    await createBatch(api, entries.slice(start, start + MAX_SEGMENTS_PER_CREATE), keys, result);
    tell(result.created.length + result.refused.length);
  }
  return result;
}

async function createBatch(api, entries, keys, result) {
  const body = JSON.stringify(entries);
  const key = keys.get(body) ?? newKey();
  keys.delete(body);
  try {
    const answer = await api.create(entries, { key });
    result.created.push(...answer.segments);
    result.refused.push(
      // of an answer that would be too long, only the index
      ...answer.unprocessed.map(({ record, error }) => ({ entry: entries[record.index] ?? record, error })),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.canTryAgain) keys.set(body, key); // it may have been done
    result.refused.push(...entries.map((entry) => ({ entry, error: error.message })));
  }
}
