// A field of a segment in one place: its column in the list with name, order and cells, whether a search finds it, what the
// page of one segment says of it, and the figures whose changes are told.

import { copyButton, flash, foreign, h, setText, showTime, svg } from "../kit/elements.js";
import { CHANNELS } from "../kit/channels.js";
import { counted, moment, number, share, signed } from "../kit/formats.js";

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const byText = (get) => (a, b) => {
  const [x, y] = [get(a), get(b)];
  return x === null || y === null ? (x === null) - (y === null) : collator.compare(x, y);
};
const byNumber = (get) => (a, b) => get(a) - get(b);
const folded = (text) => text.normalize("NFKC").toLocaleLowerCase("en");
const contains = (get) => (segment, wanted) => folded(get(segment) ?? "").includes(wanted);

// What the two directions of an order are called, and which comes first when a head is pressed.
const TEXT = { ends: ["A to Z", "Z to A"], descends: false };
const NUMBER = { ends: ["lowest", "highest"], descends: true, head: "number" };
const LINE = [56, 16]; // width and height of the line of a week
const AGE = { ends: ["oldest", "newest"], descends: true };

/**
 * A column: `create` makes what is in a cell, `update` sets what a later reading may change; the first heads its row. Where the
 * list is narrow, `ownLine` has a line of its own. `finds` tells whether a search, folded, finds it; `fact` is what the page
 * of one segment says of it; `figure` is the figure that it shows, which is also told there with its changes.
 */
export const COLUMNS = [
  {
    key: "name",
    label: "Name",
    ...TEXT,
    order: byText((segment) => segment.segment_name),
    cell: "name",
    ownLine: true,
    finds: contains((segment) => segment.segment_name),
    create: (segment) => h("a", { href: `#/segments/${segment.id}` }, foreign("")),
    update: (cell, segment) => setText(cell.querySelector("bdi"), segment.segment_name),
  },
  {
    key: "id",
    label: "Id",
    ...NUMBER,
    order: byNumber((segment) => segment.id),
    cell: "id",
    ownLine: true,
    finds: (segment, wanted) => String(segment.id).startsWith(wanted),
    fact: ({ id }) => [h("code", {}, String(id)), copyButton(() => String(id), "the id")],
    create: (segment) => String(segment.id),
  },
  {
    key: "customer",
    label: "Customer id",
    ...TEXT,
    order: byText((segment) => segment.customer_segment_id),
    cell: "customer clamped",
    ownLine: true,
    finds: contains((segment) => segment.customer_segment_id),
    fact: ({ customer_segment_id: id }) => [textOr(id), id === null ? null : copyButton(() => id, "the customer id")],
    create: (segment) => textOr(segment.customer_segment_id),
  },
  {
    key: "members",
    label: "Members",
    ...NUMBER,
    figure: (segment) => segment.members,
    order: byNumber((segment) => segment.members),
    cell: "number members",
    create: () => h("span", { class: "figure" }),
    update: (cell, segment) => showFigure(cell, segment.members),
  },
  {
    key: "week",
    label: "7 days",
    ...NUMBER,
    order: byNumber((segment) => changeOf(segment) ?? 0),
    cell: "number week",
    create: () => [h("span", { class: "line", "aria-hidden": "true" }), h("span", { class: "change" })],
    update: showWeek,
  },
  ...CHANNELS.map(([channel, label]) => ({
    key: channel,
    label,
    ...NUMBER,
    figure: (segment) => segment.reachable[channel],
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
    fact: ({ created_at: at }) => h("time", { datetime: at }, moment(at)),
    create: ({ created_at: at }) => showTime(h("time"), at),
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

/** The columns with a figure: all members, then those whom each channel reaches. */
export const FIGURES = COLUMNS.filter(({ figure }) => figure);

function textOr(text) {
  return text === null ? h("span", { class: "none" }, "none") : foreign(text);
}

function showFigure(cell, value) {
  const figure = cell.querySelector(".figure");
  const isNew = figure.textContent === "";
  if (setText(figure, number(value)) && !isNew) flash(figure);
}

const oldestOf = ({ week, status }) => (status === "active" ? week.find((end) => end.members !== null) : undefined);

/** By how much its members differ from the oldest that were noted of its week; null of a deleted one, or where nobody noted any. */
function changeOf(segment) {
  const oldest = oldestOf(segment);
  return oldest ? segment.members - oldest.members : null;
}

function showWeek(cell, segment) {
  const { members, week } = segment;
  const oldest = oldestOf(segment);
  const [line, told] = cell.children;
  setText(told, oldest ? signed(changeOf(segment)) : "");
  cell.title = oldest ? `${counted(oldest.members, "member")} at the end of ${oldest.day} (UTC), ${number(members)} now` : "";
  const path = oldest ? pathOf([...week.map((end) => end.members), members]) : "";
  if (line.dataset.path === path) return;
  line.dataset.path = path;
  const [width, height] = LINE;
  line.replaceChildren(...(path ? [svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, svg("path", { d: path }))] : []));
}

/** A line between the lowest and the highest value, with a gap where one is null; one that never changes is in the middle. */
function pathOf(values) {
  const known = values.filter((value) => value !== null);
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  const place = (length, part) => (1 + (length - 2) * part).toFixed(1);
  const [width, height] = LINE;
  return values
    .map((value, index) => {
      if (value === null) return "";
      const x = place(width, index / (values.length - 1));
      const y = place(height, highest > lowest ? (highest - value) / (highest - lowest) : 0.5);
      return index === 0 || values[index - 1] === null ? `M${x},${y}h0` : `L${x},${y}`;
    })
    .join("");
}

export function columnOf(key) {
  return COLUMNS.find((column) => column.key === key);
}

/** Whether a search finds a segment by one of its fields; one for nothing finds all. */
export function isFound(segment, search) {
  const wanted = folded(search.trim());
  return !wanted || COLUMNS.some(({ finds }) => finds?.(segment, wanted));
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
