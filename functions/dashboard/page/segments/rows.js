// The rows of the list of segments.

import { copyMenu } from "../kit/copying.js";
import { h } from "../kit/elements.js";
import { COLUMNS } from "./columns.js";

export function createRow(segment) {
  const cells = COLUMNS.map(({ label, cell, create }, index) =>
    index === 0
      ? h("th", { role: "rowheader", scope: "row", class: cell }, create(segment))
      : h("td", { role: "cell", class: cell, "data-label": label }, create(segment)),
  );
  return h("tr", { role: "row" }, cells, h("td", { role: "cell", class: "copy" }, copies(segment)));
}

export function updateRow(row, segment) {
  for (const [index, { update }] of COLUMNS.entries()) update?.(row.cells[index], segment);
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
