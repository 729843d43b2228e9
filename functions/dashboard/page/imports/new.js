// The dialog that makes an import of a file: what was found in it, what its users are to the segment, and limits.

import { newKey } from "../kit/api.js";
import { openDialog } from "../kit/dialogs.js";
import { field, h, isolated, keepFocus, problem } from "../kit/elements.js";
import { fileFields, toldName } from "./file_fields.js";
import { busyWith, MODES } from "./words.js";

const USUAL_PERCENT = 20;
const MOST = 1_000_000_000;
const LIMITS = [
  ["max_removed_percent", "Most members removed, in percent", 100],
  ["max_created", "Most new users created", MOST],
  ["max_rejected", "Most rows that can't be read", MOST],
];
const HINTS = {
  add: "They join the segment; all others stay as they are.",
  remove: "They leave the segment; all others stay as they are.",
  replace: "Afterwards it has the file's users and no others: who is not in the file is removed.",
};

/**
 * Ask about a file for a segment and make an import of it. `as` is an import to be tried again: its mode and limits are
 * filled in, and `hit` is the limit that refused it.
 */
export function importDialog({ api, uploads, go, segment, file = null, mode = "add", as = null, hit = null }) {
  const chosenMode = as?.mode ?? mode;
  const guardBefore = as?.guard ?? { max_removed_percent: USUAL_PERCENT };
  let key = newKey();
  const modes = MODES.map(([value, label]) => [
    h("input", { type: "radio", name: "mode", value, checked: value === chosenMode, onchange: renew }),
    label,
  ]);
  const modeHint = h("p", { class: "hint", role: "status" });
  const unknown = [
    ["create", "Create them"],
    ["skip", "Leave them out"],
  ].map(([value, label]) => [
    h("input", { type: "radio", name: "unknown", value, checked: value === (as?.unknown_users ?? "create") }),
    label,
  ]);
  const limits = LIMITS.map(([name, label, most]) => {
    const input = h("input", { type: "number", min: "0", max: String(most), step: "1", inputmode: "numeric" });
    input.value = guardBefore[name] ?? "";
    const told = hit?.name === name ? `This file needs ${hit.needed}.` : null;
    return { name, input, element: field(label, input, told) };
  });
  const choices = (legend, options, properties = {}) =>
    h(
      "fieldset",
      { class: "choice stacked", ...properties },
      h("legend", {}, legend),
      options.map(([input, label]) => h("label", {}, input, label)),
    );
  const unknownChoice = choices("Users who do not exist yet", unknown);
  const more = h(
    "details",
    { open: hit !== null },
    h("summary", {}, "Limits"),
    h("p", { class: "hint" }, "If it would change more than this, it is refused and nothing changes. Empty: no limit."),
    h("div", { class: "limits" }, limits.map(({ element }) => element)),
  );
  const outcome = h("div", { class: "outcome" });
  const submit = h("button", { class: "primary", disabled: true }, "Upload and preview");
  const stage = h("div");
  const form = h("form", { class: "import", onsubmit: send }, stage);
  const title = `Import a file into ${isolated(segment.segment_name)}`;
  const dialog = openDialog(title, form);
  const fields = fileFields({ drops: dialog.element, onchange: () => (submit.disabled = !fields.prepared()) });
  stage.append(
    fields.element,
    choices("What to do", modes),
    modeHint,
    unknownChoice,
    more,
    h("p", { class: "hint" }, "Nothing changes before you have seen the preview."),
    outcome,
    h("footer", {}, submit),
  );
  renew();
  if (file) fields.take(file);
  fields.focus();

  function valueOf(options) {
    return options.find(([input]) => input.checked)[0].value;
  }

  function renew() {
    const now = valueOf(modes);
    modeHint.textContent = HINTS[now];
    unknownChoice.hidden = now === "remove";
    const limit = (wanted) => limits.find(({ name }) => name === wanted).element;
    limit("max_removed_percent").hidden = now !== "replace" && !as?.guard.max_removed_percent;
    limit("max_created").hidden = now === "remove";
  }

  function asked() {
    const now = valueOf(modes);
    const guard = Object.fromEntries(
      limits
        .filter(({ input, element }) => input.value !== "" && !element.hidden)
        .map(({ name, input }) => [name, Number(input.value)]),
    );
    return {
      segment: segment.id,
      mode: now,
      ...(now === "remove" ? {} : { unknown_users: valueOf(unknown) }),
      guard,
      apply: "manual",
    };
  }

  async function send(event) {
    event.preventDefault();
    const prepared = fields.prepared();
    if (!prepared) return;
    submit.disabled = true;
    dialog.hold(true);
    outcome.replaceChildren();
    try {
      const { import_id: importId, upload } = await api.createImport({ ...asked(), file_name: toldName(prepared.name) }, key);
      uploads.begin(importId, upload, prepared);
      dialog.hold(false);
      dialog.close();
      go(`#/imports/${importId}`);
    } catch (error) {
      key = newKey(); // what was asked for may be changed before the next try
      dialog.hold(false);
      outcome.replaceChildren(refusal(error.message));
      submit.disabled = false;
      keepFocus(submit);
    }
  }
}

/** Why it is not made now: another import has the segment, which is named; or what the API says. */
export function refusal(message) {
  const other = busyWith(message);
  if (!other) return problem(message);
  const box = problem("The segment has another import at work, and has one at a time.");
  box.append(h("a", { href: `#/imports/${other}` }, "Show that import"));
  return box;
}

/** Ask for the file of an import that waits for it. */
export function fileDialog({ uploads, waiting }) {
  const submit = h("button", { class: "primary", disabled: true }, "Upload");
  const stage = h("div");
  const form = h("form", { class: "import", onsubmit: send }, stage);
  const dialog = openDialog("Upload the file of the import", form);
  const fields = fileFields({ drops: dialog.element, onchange: () => (submit.disabled = !fields.prepared()) });
  stage.append(fields.element, h("footer", {}, submit));
  fields.focus();

  function send(event) {
    event.preventDefault();
    const prepared = fields.prepared();
    if (!prepared) return;
    uploads.begin(waiting.import_id, waiting.upload, prepared);
    dialog.close();
  }
}
