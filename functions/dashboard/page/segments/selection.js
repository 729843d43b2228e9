// What can be done with several segments of the list at once.

import { announce, h, setText } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";
import { MAX_CAMPAIGN_SEGMENTS } from "../kit/limits.js";
import { campaignFor } from "../kit/links.js";
import { deleteDialog } from "./delete_dialog.js";
import { exportDialog } from "./export_dialog.js";
import { tagsOf } from "./search.js";
import { tagsDialog } from "./tags_dialog.js";

/** The selection of the list, and its bar; `onchange` is told when it is another, `ondone` when segments were changed. */
export function selectionBar({ api, catalogue, go, onchange, ondone }) {
  const ids = new Set();
  let found = [];
  const told = h("strong", {});
  const button = (label, act, kind = null) => h("button", { type: "button", class: kind, onclick: () => act(chosen()) }, label);
  const campaign = button("New campaign", (segments) => go(campaignFor(segments.map(({ id }) => id))));
  const all = h("button", { type: "button", class: "small", onclick: () => select(found, true) });
  const element = h(
    "div",
    { class: "selected", role: "region", "aria-label": "Selected segments", hidden: true },
    h("div", {}, told, all, h("button", { type: "button", class: "small", onclick: clear }, "Clear")),
    h(
      "div",
      { class: "actions" },
      campaign,
      button("Tags", (segments) => tagsDialog({ api, segments, known: knownTags(), ondone })),
      button("Export", (segments) => exportDialog({ api, segments })),
      button("Delete", (segments) => deleteDialog({ api, segments, ondone }), "danger"),
    ),
  );
  return { element, has: (id) => ids.has(id), select, show };

  /** Those that are selected and still there. */
  function chosen() {
    return [...ids].map((id) => catalogue.segments.get(id)).filter((segment) => segment?.status === "active");
  }

  function knownTags() {
    return tagsOf(catalogue.segments.values()).map(([tag]) => tag);
  }

  function select(segments, isSelected) {
    for (const { id, status } of segments)
      if (isSelected && status === "active") ids.add(id);
      else ids.delete(id);
    onchange();
    announce(`${counted(chosen().length, "segment")} selected`);
  }

  function clear() {
    ids.clear();
    onchange();
    announce("Nothing selected");
  }

  /** Show the bar beside a list that finds these segments. */
  function show(segments) {
    found = segments.filter(({ status }) => status === "active");
    const count = chosen().length;
    element.hidden = count === 0;
    setText(told, `${counted(count, "segment")} selected`);
    all.hidden = found.every(({ id }) => ids.has(id));
    setText(all, `Select all ${number(found.length)} found`);
    campaign.disabled = count > MAX_CAMPAIGN_SEGMENTS;
    campaign.title = campaign.disabled ? `A campaign takes up to ${MAX_CAMPAIGN_SEGMENTS} segments.` : "";
  }
}
