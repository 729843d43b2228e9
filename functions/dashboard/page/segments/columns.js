// A field of a segment in one place: its column in the list with name and cells, its order, whether a search finds it, and
// the figures whose changes are told.

import { CHANNELS } from "../kit/channels.js";
import { flash, foreign, h, reconcile, setText, showTime } from "../kit/elements.js";
import { counted, number, share } from "../kit/formats.js";
import { changeOf, showWeek } from "./week.js";

const MOST_CAMPAIGNS = 100; // as many as the API names

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
const AGE = { ends: ["oldest", "newest"], descends: true };

/**
 * A field. `order` compares segments by it, under its `label`; `finds` tells whether a word of a search, folded, finds it. One
 * with a `cell` is a column: `create` makes what is in a cell, `update` sets what a later reading may change; the first heads
 * its row. `figure` is the figure that it shows, which the page of one segment tells with its changes.
 */
const FIELDS = [
  {
    key: "name",
    label: "Name",
    ...TEXT,
    order: byText((segment) => segment.segment_name),
    cell: "name",
    finds: contains((segment) => segment.segment_name),
    create: (segment) => [
      h("a", { href: `#/segments/${segment.id}` }, foreign("")),
      h("span", { class: "badge deleted" }),
      h("ul", { class: "tags" }),
    ],
    update: (cell, segment) => {
      setText(cell.querySelector("bdi"), segment.segment_name);
      setText(cell.querySelector(".badge"), segment.status === "deleted" ? segment.status : "");
      showTags(cell.querySelector(".tags"), segment.tags);
    },
  },
  {
    key: "customer",
    label: "Customer id",
    ...TEXT,
    order: byText((segment) => segment.customer_segment_id),
    cell: "customer clamped",
    finds: contains((segment) => segment.customer_segment_id),
    create: ({ customer_segment_id: id }) => (id === null ? h("span", { class: "none" }, "none") : foreign(id)),
  },
  { key: "id", finds: ({ id }, wanted) => String(id).startsWith(wanted) },
  { key: "tags", finds: ({ tags }, wanted) => tags.some((tag) => folded(tag).includes(wanted)) },
  { key: "description", finds: contains((segment) => segment.description) },
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
    key: "uses",
    label: "Used by",
    ...NUMBER,
    head: null,
    order: byNumber((segment) => segment.campaigns.length),
    cell: "uses",
    create: () => h("span"),
    update: showUses,
  },
  {
    key: "updated",
    label: "Updated",
    ...AGE,
    order: byText((segment) => segment.updated_at),
    cell: "updated",
    create: () => h("time"),
    update: (cell, segment) => showTime(cell.firstElementChild, segment.updated_at),
  },
  { key: "created", label: "Created", ...AGE, order: byNumber((segment) => segment.id) }, // ids grow with time
];

export const COLUMNS = FIELDS.filter(({ cell }) => cell);
export const ORDERS = FIELDS.filter(({ order }) => order);

/** The columns with a figure: all members, then those whom each channel reaches. */
export const FIGURES = COLUMNS.filter(({ figure }) => figure);

function showTags(list, tags) {
  list.hidden = tags.length === 0;
  const link = (tag) => h("a", { href: `#/?${new URLSearchParams({ tag })}` }, foreign(tag));
  reconcile(list, tags, (tag) => tag, (tag) => h("li", {}, link(tag)), () => {});
}

function showFigure(cell, value) {
  const figure = cell.querySelector(".figure");
  const isNew = figure.textContent === "";
  if (setText(figure, number(value)) && !isNew) flash(figure);
}

function showUses(cell, { id, campaigns: { length: count } }) {
  const told = count >= MOST_CAMPAIGNS ? `${count} campaigns or more` : counted(count, "campaign");
  if (cell.textContent === (count ? told : "–")) return;
  cell.firstElementChild.replaceChildren(count ? h("a", { href: `#/campaigns?segment=${id}` }, told) : "–");
}

/** Whether a search finds a segment: each of its words in one of the fields; one for nothing finds all. */
export function isFound(segment, search) {
  const words = folded(search).split(/\s+/).filter(Boolean);
  return words.every((word) => FIELDS.some(({ finds }) => finds?.(segment, word)));
}
