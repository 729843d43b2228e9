// The dialog that gives tags to segments and takes them away.

import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, keepFocus, problem } from "../kit/elements.js";
import { counted } from "../kit/formats.js";
import { MAX_TAG_CHARACTERS, MAX_TAGS } from "../kit/limits.js";
import { failures, forEachSegment } from "./batch.js";
import { tagsOf } from "./search.js";

/** `known` are tags to choose from; `ondone` is told when some segments have changed. */
export function tagsDialog({ api, segments, known, ondone }) {
  const had = new Map(tagsOf(segments));
  const wanted = new Map(); // what was chosen: true for all of them, false for none; others stay as they are
  const list = h("div", { class: "picks", role: "group", "aria-label": "Tags" });
  const typed = h("input", { type: "text", autocomplete: "off", maxlength: MAX_TAG_CHARACTERS });
  const add = h("button", { type: "button", onclick: addTyped }, "Add");
  const outcome = h("div", { role: "status" });
  const submit = h("button", { class: "primary" }, "Save tags");
  for (const tag of new Set([...had.keys(), ...known])) list.append(row(tag));
  list.hidden = !list.firstChild;
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !typed.value.trim()) return;
    event.preventDefault();
    addTyped();
  });
  const form = h(
    "form",
    { onsubmit: send },
    list,
    h("div", { class: "filters" }, field("New tag", typed), add),
    h("p", { class: "hint" }, `A segment has up to ${MAX_TAGS} tags.`),
    outcome,
    h("footer", {}, submit),
  );
  const dialog = openDialog(segments.length === 1 ? "Tags" : `Tags of ${counted(segments.length, "segment")}`, form);
  (list.querySelector("input") ?? typed).focus();

  function row(tag) {
    const box = h("input", { type: "checkbox", checked: had.get(tag) === segments.length });
    box.indeterminate = had.has(tag) && !box.checked;
    box.addEventListener("change", () => wanted.set(tag, box.checked));
    const count = had.get(tag) && segments.length > 1 ? `${had.get(tag)} of ${segments.length}` : "";
    return h("label", { "data-tag": tag }, box, h("span", { class: "what" }, foreign(tag)), " ", h("span", { class: "count" }, count));
  }

  function addTyped() {
    const tag = typed.value.trim();
    if (!tag) return;
    let label = [...list.children].find((each) => each.dataset.tag === tag);
    if (!label) list.prepend((label = row(tag)));
    list.hidden = false;
    label.querySelector("input").checked = true;
    label.querySelector("input").indeterminate = false;
    wanted.set(tag, true);
    typed.value = "";
    typed.focus();
    announce(`Added ${tag}`);
  }

  /** The tags that a segment is to have. */
  function tagsFor({ tags }) {
    const added = [...wanted].filter(([, isWanted]) => isWanted).map(([tag]) => tag);
    return [...new Set([...tags.filter((tag) => wanted.get(tag) !== false), ...added])].sort();
  }

  /** The API takes all tags in place of those of before, which others may have changed meanwhile. */
  async function change({ id }) {
    const segment = await api.get(`/api/segments/${id}`);
    const tags = tagsFor(segment);
    if (JSON.stringify(tags) !== JSON.stringify(segment.tags)) await api.changeSegment(id, { tags });
  }

  async function send(event) {
    event.preventDefault();
    addTyped();
    submit.disabled = true;
    dialog.hold(true);
    outcome.replaceChildren();
    const tell = (done) => outcome.replaceChildren(h("p", {}, `${done} of ${counted(segments.length, "segment")} done …`));
    const failed = await forEachSegment(segments, change, tell);
    dialog.hold(false);
    if (failed.length < segments.length) ondone();
    if (!failed.length) {
      dialog.close();
      announce("Saved");
      return;
    }
    outcome.replaceChildren(segments.length === 1 ? problem(failed[0].error.message) : failures(failed, "tagged"));
    submit.disabled = false;
    keepFocus(submit);
  }
}
