// All segments as a table: search, filter, sort, pages. It refreshes by itself and keeps its place.

import { COLUMNS, ORDERS } from "./columns.js";
import { createDialog } from "./create.js";
import { freshnessLine } from "./freshness.js";
import { pageNumbers } from "./pages.js";
import { createRow, updateRow } from "./rows.js";
import { selectionBar } from "./selection.js";
import { select, tagsOf } from "./search.js";
import { totalsLine } from "./totals.js";
import { announce, field, h, problem, reconcile, setAttribute, setText } from "../kit/elements.js";
import { clock, counted, number } from "../kit/formats.js";

const PAGES = [25, 50, 100];
const START = { search: "", tag: "", status: "active", sort: "created", descending: true, page: 1, size: 25 };

/** The state of the list as the address tells it. */
function stateOf(query) {
  const state = { ...START };
  for (const name of ["search", "tag"]) state[name] = query.get(name) ?? "";
  if (["active", "deleted", "all"].includes(query.get("status"))) state.status = query.get("status");
  if (ORDERS.some(({ key }) => key === query.get("sort"))) state.sort = query.get("sort");
  if (query.has("order")) state.descending = query.get("order") !== "up";
  state.page = Math.max(1, Number.parseInt(query.get("page") ?? "1", 10) || 1);
  if (PAGES.includes(Number(query.get("size")))) state.size = Number(query.get("size"));
  return state;
}

function addressOf(state) {
  const query = new URLSearchParams();
  for (const name of ["search", "tag", "status", "sort", "page", "size"]) {
    if (state[name] !== START[name]) query.set(name, state[name]);
  }
  if (state.descending !== START.descending) query.set("order", state.descending ? "down" : "up");
  return query.size ? `#/?${query}` : "#/";
}

export function listView({ api, catalogue, query, signal, go }) {
  const state = stateOf(query);
  let shownKeys = []; // the rows of the page, as they were last put in order
  let pointed = false;
  let told = null;

  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", value: state.search });
  const tag = h("select");
  const tagField = field("Tag", tag);
  const status = h(
    "select",
    {},
    [
      ["active", "Active"],
      ["deleted", "Deleted"],
      ["all", "All"],
    ].map(([value, label]) => h("option", { value }, label)),
  );
  status.value = state.status;
  const size = h(
    "select",
    {},
    PAGES.map((value) => h("option", { value }, String(value))),
  );
  size.value = String(state.size);
  const heading = h("h1", { tabindex: "-1" }, "Segments");
  const create = h("button", { type: "button", class: "primary", onclick: () => openCreate() }, "Create segments");

  const selection = selectionBar({ api, catalogue, go, onchange: () => render(), ondone: () => catalogue.refresh() });
  const whole = h("input", { type: "checkbox", "aria-label": "Select all of this page" });
  whole.addEventListener("change", () => selection.select(shownKeys.map((id) => catalogue.segments.get(id)), whole.checked));
  const heads = COLUMNS.map(({ key, label, head: kind }) => {
    const button = h("button", { type: "button", class: "sort", onclick: () => sortBy(key) }, label);
    return head(button, kind);
  });
  const body = h("tbody", { role: "rowgroup" });
  const table = h(
    "table",
    { role: "table", class: "segments cards", "aria-label": "Segments" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head(h("label", {}, whole), "select"), heads, head(h("span", { class: "unseen" }, "Copy")))),
    body,
  );
  const sorts = h(
    "select",
    {},
    ORDERS.flatMap(({ key, label, ends: [up, down] }) => [
      h("option", { value: `${key} up` }, `${label}, ${up} first`),
      h("option", { value: `${key} down` }, `${label}, ${down} first`),
    ]),
  );
  const totals = totalsLine();
  const fresh = h("p", { class: "fresh" });
  const freshness = freshnessLine({ api, signal });
  const held = h("button", { type: "button", class: "small", hidden: true, onclick: () => release() }, "Put in order");
  const trouble = h("div");
  const empty = h("div", { class: "empty", hidden: true });
  const scroller = h("div", { class: "scroller", tabindex: "-1" }, table);
  const range = h("p", { class: "range" });
  const [previous, next] = [
    h("button", { type: "button", onclick: () => turn(state.page - 1) }, "Previous"),
    h("button", { type: "button", onclick: () => turn(state.page + 1) }, "Next"),
  ];
  const numbers = pageNumbers(turn);
  const turning = h("nav", { class: "pages", "aria-label": "Pages" }, range, previous, numbers.element, next);

  search.addEventListener("input", () => change({ search: search.value, page: 1 }, true));
  tag.addEventListener("change", () => change({ tag: tag.value, page: 1 }));
  status.addEventListener("change", () => change({ status: status.value, page: 1 }));
  size.addEventListener("change", () => change({ size: Number(size.value), page: 1 }));
  sorts.addEventListener("change", () => {
    const [sort, order] = sorts.value.split(" ");
    change({ sort, descending: order === "down", page: 1 });
  });
  body.addEventListener("pointerenter", (event) => (pointed = event.pointerType === "mouse"));
  body.addEventListener("pointerleave", () => {
    pointed = false;
    render();
  });
  body.addEventListener("focusout", () => setTimeout(render));
  catalogue.addEventListener("change", () => render(), { signal });
  catalogue.show(state.status);
  catalogue.watch(signal);

  function change(part, spoken = false) {
    Object.assign(state, part);
    history.replaceState(null, "", addressOf(state));
    catalogue.show(state.status);
    shownKeys = [];
    const count = render();
    if (spoken) announce(counted(count, "segment found", "segments found"));
  }

  function sortBy(key) {
    const { descends } = ORDERS.find((each) => each.key === key);
    change({ sort: key, descending: state.sort === key ? !state.descending : descends, page: 1 });
  }

  function turn(page) {
    change({ page });
    scroller.focus({ preventScroll: true });
    if (scroller.getBoundingClientRect().top < 0) scroller.scrollIntoView({ block: "start" });
    announce(range.textContent);
  }

  function release() {
    shownKeys = [];
    render();
    scroller.focus({ preventScroll: true });
  }

  function openCreate() {
    createDialog(api, async () => {
      await catalogue.refresh();
    });
  }

  /** Bring the page up to date; while someone points at a row or is in one, rows keep their order and place. */
  function render() {
    const found = select(catalogue.segments.values(), state);
    const pages = Math.max(1, Math.ceil(found.length / state.size));
    if (catalogue.complete) state.page = Math.min(state.page, pages);
    const from = (state.page - 1) * state.size;
    const ordered = found.slice(from, from + state.size);
    const isHeld = shownKeys.length > 0 && (pointed || body.contains(document.activeElement));
    const rows = isHeld ? shownKeys.map((id) => catalogue.segments.get(id)).filter(Boolean) : ordered;
    shownKeys = rows.map((segment) => segment.id);
    held.hidden = !isHeld || (rows.every((row, index) => row === ordered[index]) && rows.length === ordered.length);
    reconcile(
      body,
      rows,
      (segment) => segment.id,
      (segment) => createRow(segment, (each, isSelected) => selection.select([each], isSelected)),
      (row, segment) => updateRow(row, segment, selection.has(segment.id) && segment.status === "active"),
    );
    selection.show(found);
    const active = rows.filter((segment) => segment.status === "active");
    const selected = active.filter((segment) => selection.has(segment.id)).length;
    whole.checked = selected > 0 && selected === active.length;
    whole.indeterminate = selected > 0 && selected < active.length;

    for (const [index, { key }] of COLUMNS.entries()) {
      setAttribute(
        heads[index],
        "aria-sort",
        key === state.sort ? (state.descending ? "descending" : "ascending") : null,
      );
    }
    sorts.value = `${state.sort} ${state.descending ? "down" : "up"}`;
    const last = from + ordered.length;
    const more = catalogue.complete ? "" : " so far";
    setText(
      range,
      found.length ? `${number(from + 1)}–${number(last)} of ${counted(found.length, "segment")}${more}` : "",
    );
    previous.disabled = state.page <= 1;
    next.disabled = state.page >= pages;
    scroller.hidden = turning.hidden = found.length === 0;
    previous.hidden = next.hidden = pages === 1;
    numbers.show(state.page, pages);
    totals.element.hidden = state.status === "deleted" || !catalogue.complete;
    if (!totals.element.hidden) totals.show([...catalogue.segments.values()]);
    renderTags();
    renderFresh();
    renderTrouble();
    renderEmpty(found.length);
    return found.length;
  }

  /** Offer the tags of all segments; that of the address is one of them, even if no segment has it. */
  function renderTags() {
    const known = tagsOf(catalogue.segments.values());
    if (state.tag && !known.some(([name]) => name === state.tag)) known.push([state.tag, 0]);
    const told = JSON.stringify(known);
    tagField.hidden = known.length === 0;
    if (tag.dataset.told !== told && document.activeElement !== tag) {
      tag.dataset.told = told;
      const option = (value, label) => h("option", { value }, label);
      tag.replaceChildren(option("", "All"), ...known.map(([name, count]) => option(name, `${name} (${number(count)})`)));
    }
    tag.value = state.tag;
  }

  function renderFresh() {
    const loading = catalogue.segments.size ? `Loading, ${number(catalogue.segments.size)} so far …` : "Loading …";
    const read =
      catalogue.readAt &&
      `Figures as read at ${clock(catalogue.readAt)}, refreshed every ${counted(Math.round(catalogue.wait / 1000), "second")}`;
    setText(fresh, catalogue.complete ? read : catalogue.failure ? "" : loading);
  }

  function renderTrouble() {
    const text =
      catalogue.failure &&
      `${catalogue.failure.message}${catalogue.complete ? ` The figures are those of ${clock(catalogue.readAt)}.` : ""}`;
    if (text === told) return;
    told = text;
    trouble.replaceChildren(...(text ? [problem(text, () => catalogue.refresh())] : []));
  }

  function renderEmpty(count) {
    const hadFocus = empty.contains(document.activeElement);
    empty.hidden = count > 0 || (!catalogue.complete && Boolean(catalogue.failure));
    const isNarrowed = state.search.trim() || state.tag;
    const isFirst = state.status !== "deleted";
    const kind = !catalogue.complete ? "loading" : isNarrowed ? "search" : isFirst ? "none" : "deleted";
    if (empty.hidden && hadFocus) heading.focus({ preventScroll: true });
    if (empty.hidden || empty.dataset.kind === kind) return;
    empty.dataset.kind = kind;
    const clear = () => {
      search.value = "";
      change({ search: "", tag: "", page: 1 });
      search.focus();
    };
    const content = {
      loading: [
        h(
          "div",
          { class: "skeleton", "aria-hidden": "true" },
          Array.from({ length: 8 }, () => h("div")),
        ),
      ],
      search: [
        h("p", {}, "No segment has all of this in its name, ids, tags or description."),
        h("button", { type: "button", onclick: clear }, "Clear the search"),
      ],
      deleted: [h("p", {}, "No segment was deleted.")],
      none: [
        h("p", {}, "There are no segments yet."),
        h(
          "p",
          {},
          "A segment is a named set of users, filled by your backend or from here. Every real change of its members becomes an event.",
        ),
        h("button", { type: "button", class: "primary", onclick: () => openCreate() }, "Create the first"),
      ],
    };
    empty.replaceChildren(...content[kind]);
    if (hadFocus) heading.focus({ preventScroll: true });
  }

  const view = h(
    "section",
    { class: "list" },
    h("div", { class: "title" }, heading, create),
    totals.element,
    h(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      field("Search by name, id or tag", search),
      tagField,
      field("Status", status),
      field("Sort by", sorts),
      field("Rows a page", size),
    ),
    trouble,
    h("div", { class: "above" }, h("div", {}, fresh, freshness.element), held),
    empty,
    scroller,
    turning,
    selection.element,
  );
  render();
  return { element: view, title: "Segments" };
}

/** The head of a column that is of no field. */
function head(content, kind = null) {
  return h("th", { scope: "col", role: "columnheader", class: kind }, content);
}
