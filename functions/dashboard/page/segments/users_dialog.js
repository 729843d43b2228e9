// The dialog that adds users to a segment or removes them, from typed lines. What is more than a request takes is a file.

import { changeMany } from "./changes.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, keepFocus, problem } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";
import { MAX_USERS_PER_UPDATE } from "../kit/limits.js";

/** `importFile({file, mode})` is told to import a file instead, `ondone(text, change)` what was done, and by how many members. */
export function usersDialog({ api, segment, importFile, ondone }) {
  const add = h("input", { type: "radio", name: "action", value: "ADD", checked: true });
  const remove = h("input", { type: "radio", name: "action", value: "REMOVE" });
  const key = h("select", {}, h("option", { value: "identity" }, "identity"), h("option", { value: "guid" }, "guid"));
  const lines = h("textarea", { rows: "5", spellcheck: "false" });
  const submit = h("button", { class: "primary" });
  const outcome = h("div", { class: "outcome" });
  const form = h(
    "form",
    { onsubmit: send },
    h(
      "fieldset",
      { class: "choice" },
      h("legend", {}, "What to do"),
      h("label", {}, add, "Add"),
      h("label", {}, remove, "Remove"),
    ),
    field("Users are named by", key, "Your own id of a user, or the guid that the API gave."),
    field(
      "Users, one a line",
      lines,
      `More than ${MAX_USERS_PER_UPDATE} are imported like a file. You can also drop a file here.`,
    ),
    outcome,
    h(
      "footer",
      {},
      h("button", { type: "button", onclick: () => leave({ mode: mode() }) }, "Import a file instead"),
      submit,
    ),
  );
  const stage = h("div", {}, form);
  const dialog = openDialog("Add or remove users", stage);
  dialog.element.addEventListener("dragover", (event) => event.preventDefault());
  dialog.element.addEventListener("drop", (event) => {
    event.preventDefault();
    if (form.isConnected && event.dataTransfer.files[0]) leave({ file: event.dataTransfer.files[0], mode: mode() });
  });
  const renew = () => (submit.textContent = add.checked ? "Add users" : "Remove users");
  add.addEventListener("change", renew);
  remove.addEventListener("change", renew);
  renew();
  lines.focus();

  function mode() {
    return add.checked ? "add" : "remove";
  }

  function leave(wanted) {
    dialog.close();
    importFile(wanted);
  }

  async function send(event) {
    event.preventDefault();
    const ids = lines.value.split(/\r?\n/).map((line) => line.trim());
    const users = [...new Set(ids.filter(Boolean))].map((id) => ({ [key.value]: id }));
    if (!users.length) {
      outcome.replaceChildren(problem("Name at least one user."));
      lines.focus();
      return;
    }
    if (users.length > MAX_USERS_PER_UPDATE) {
      const rows = users.map((user) => `${JSON.stringify(user)}\n`);
      leave({ file: new File(rows, `${counted(users.length, "typed user")}.ndjson`), mode: mode() });
      return;
    }
    submit.disabled = true;
    dialog.hold(true);
    outcome.replaceChildren();
    try {
      const result = await changeMany(api, users, segment.id, add.checked ? "ADD" : "REMOVE");
      const told = sentence(result);
      stage.replaceChildren(resultScreen(result, key.value, () => dialog.close()));
      announce(`Done. ${told}`);
      stage.querySelector("h3").focus();
      ondone(told, result.summary.added - result.summary.removed);
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
      submit.disabled = false;
      keepFocus(submit);
    }
    dialog.hold(false);
  }
}

function figuresOf({ summary, refused }) {
  const { added, removed, unchanged, profiles_created: created } = summary;
  return { Added: added, Removed: removed, Unchanged: unchanged, Rejected: refused.length, "New users": created };
}

/** `4 added, 1 unchanged`: what is not nothing. */
function sentence({ summary, refused }) {
  const { added, removed, unchanged } = summary;
  const told = Object.entries({ added, removed, unchanged, rejected: refused.length })
    .filter(([, value]) => value)
    .map(([name, value]) => `${number(value)} ${name}`);
  return told.join(", ") || "Nothing to do";
}

function resultScreen(result, key, close) {
  const totals = Object.entries(figuresOf(result)).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, number(value))),
  );
  const rows = result.refused.map(({ user, error }) =>
    h("tr", {}, h("td", { class: "clamped" }, foreign(String(user?.[key] ?? ""))), h("td", {}, error)),
  );
  const rejected = h(
    "div",
    { class: "scroller short", tabindex: "0", role: "region", "aria-label": "Rejected users" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, key), h("th", { scope: "col" }, "Why"))),
      h("tbody", {}, rows),
    ),
  );
  return h(
    "div",
    { class: "result" },
    h("h3", { tabindex: "-1" }, "Done"),
    h("dl", { class: "totals" }, totals),
    rows.length ? rejected : null,
    h("footer", {}, h("button", { type: "button", class: "primary", onclick: close }, "Close")),
  );
}
