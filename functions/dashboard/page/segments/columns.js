// The columns of the list of segments, a field in one place: its name, its order, its cells.

import { flash, foreign, h, setText } from "../kit/elements.js";
import { CHANNELS } from "../kit/channels.js";
import { brief, moment, number, share } from "../kit/formats.js";

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const byText = (get) => (a, b) => {
  const [x, y] = [get(a), get(b)];
  return x === null || y === null ? (x === null) - (y === null) : collator.compare(x, y);
};
const byNumber = (get) => (a, b) => get(a) - get(b);

// What the two directions of an order are called, and which comes first when a head is pressed.
const TEXT = { ends: ["A to Z", "Z to A"], descends: false };
const NUMBER = { ends: ["lowest", "highest"], descends: true, head: "number" };
const AGE = { ends: ["oldest", "newest"], descends: true };

/** A column: `create` makes what is in a cell, `update` sets what a later reading may change; the first heads its row. */
export const COLUMNS = [
  {
    key: "name",
    label: "Name",
    ...TEXT,
    order: byText((segment) => segment.segment_name),
    cell: "name",
    create: (segment) => h("a", { href: `#/segments/${segment.id}` }, foreign("")),
    update: (cell, segment) => setText(cell.querySelector("bdi"), segment.segment_name),
  },
  {
    key: "id",
    label: "Id",
    ...NUMBER,
    order: byNumber((segment) => segment.id),
    cell: "id",
    create: (segment) => String(segment.id),
  },
  {
    key: "customer",
    label: "Customer id",
    ...TEXT,
    order: byText((segment) => segment.customer_segment_id),
    cell: "customer clamped",
    create: ({ customer_segment_id: id }) => (id === null ? h("span", { class: "none" }, "none") : foreign(id)),
  },
  { label: "Type", cell: "type", create: (segment) => segment.type },
  {
    key: "members",
    label: "Members",
    ...NUMBER,
    order: byNumber((segment) => segment.members),
    cell: "number members",
    create: () => h("span", { class: "figure" }),
    update: (cell, segment) => showFigure(cell, segment.members),
  },
  ...CHANNELS.map(([channel, label]) => ({
    key: channel,
    label,
    ...NUMBER,
    order: byNumber((segment) => segment.reachable[channel]),
    cell: "number channel",
    create: () => [
      h("span", { class: "figure" }),
      h("span", { class: "bar", "aria-hidden": "true" }, h("span")),
    ],
    update: (cell, segment) => {
      const reached = segment.reachable[channel];
      showFigure(cell, reached);
      cell.title = `${label} reaches ${share(reached, segment.members)} of the members`;
      cell.querySelector(".bar span").style.width = segment.members ? `${(100 * reached) / segment.members}%` : "0";
    },
  })),
  {
    key: "created",
    label: "Created",
    ...AGE,
    order: byNumber((segment) => segment.id), // ids grow with time
    cell: "created",
    create: ({ created_at: at }) => h("time", { datetime: at, title: moment(at) }, brief(at)),
  },
  {
    key: "status",
    label: "Status",
    ...TEXT,
    order: byText((segment) => segment.status),
    cell: "status",
    create: () => h("span"),
    update: (cell, segment) => {
      const badge = cell.firstElementChild;
      if (setText(badge, segment.status)) badge.className = `badge ${segment.status}`;
    },
  },
];

function showFigure(cell, value) {
  const figure = cell.querySelector(".figure");
  const isNew = figure.textContent === "";
  if (setText(figure, number(value)) && !isNew) flash(figure);
}

export function columnOf(key) {
  return COLUMNS.find((column) => column.key === key);
}

export function createRow(segment) {
  const cells = COLUMNS.map(({ label, cell, create }, index) =>
    index === 0
      ? h("th", { role: "rowheader", scope: "row", class: cell }, create(segment))
      : h("td", { role: "cell", class: cell, "data-label": label }, create(segment)),
  );
  return h("tr", { role: "row" }, cells);
}

export function updateRow(row, segment) {
  for (const [index, { update }] of COLUMNS.entries()) update?.(row.cells[index], segment);
}
