// The dialog before a campaign that is being written in this tab makes room for another.

import { currentDraft, isBlank } from "./draft.js";
import { openDialog } from "../kit/dialogs.js";
import { foreign, h } from "../kit/elements.js";

/** Do `replace` at once if nothing is being written; else ask, and `goOn` with what is, or `replace` it. */
export function whenFree(goOn, replace) {
  const draft = currentDraft();
  if (isBlank(draft)) {
    replace();
    return;
  }
  const closing = (act) => () => {
    dialog.close();
    act();
  };
  const keep = h("button", { type: "button", onclick: closing(goOn) }, "Go on with it");
  const discard = h("button", { type: "button", class: "danger", onclick: closing(replace) }, "Discard it");
  const what = draft.editing ? "Changes of " : "";
  const name = draft.name.trim() ? h("strong", {}, foreign(draft.name.trim())) : "a campaign without a name";
  const content = h(
    "div",
    {},
    h("p", {}, what, name, " ", draft.editing ? "are" : "is", " not saved yet. This tab keeps one campaign at a time."),
    h("footer", {}, discard, keep),
  );
  const dialog = openDialog("A campaign is being written", content);
  keep.focus();
}
