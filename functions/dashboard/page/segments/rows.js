// The rows of the list of segments.

import { copyMenu } from "../kit/copying.js";
import { h } from "../kit/elements.js";
import { COLUMNS } from "./columns.js";

/** `onselect(segment, isSelected)` is told of its box. */
export function createRow(segment, onselect) {
  const box = h("input", { type: "checkbox", "aria-label": `Select ${segment.segment_name}` });
  box.addEventListener("change", () => onselect(segment, box.checked));
  const cells = COLUMNS.map(({ label, cell, create }, index) =>
    index === 0
      ? h("th", { role: "rowheader", scope: "row", class: cell }, create(segment))
      : h("td", { role: "cell", class: cell, "data-label": label }, create(segment)),
  );
  const select = h("td", { role: "cell", class: "select" }, h("label", {}, box));
  return h("tr", { role: "row" }, select, cells, h("td", { role: "cell", class: "copy" }, copies(segment)));
}

export function updateRow(row, segment, isSelected) {
  const [select, ...cells] = row.cells;
  const box = select.querySelector("input");
  box.checked = isSelected;
  box.hidden = segment.status !== "active";
  row.classList.toggle("chosen", isSelected);
  for (const [index, { update }] of COLUMNS.entries()) update?.(cells[index], segment);
}

/** The ids, which a list has no room for. */
function copies({ id, segment_name: name, customer_segment_id: customer }) {
  const ids = [
    ["the id", String(id)],
    ["the customer id", customer],
    ["the name", name],
  ];
  return copyMenu(name, () => ids.filter(([, text]) => text !== null));
}
