// All segments as a table: search, filter, sort, pages. It refreshes by itself and keeps its place.

import { COLUMNS, columnOf, createRow, updateRow } from "./columns.js";
import { createDialog } from "./create.js";
import { freshnessLine } from "./freshness.js";
import { select } from "./search.js";
import { announce, field, h, problem, reconcile, setAttribute, setText } from "../kit/elements.js";
import { clock, counted, number } from "../kit/formats.js";

const PAGES = [25, 50, 100];
const START = { search: "", status: "active", sort: "created", descending: true, page: 1, size: 25 };

/** The state of the list as the address tells it. */
function stateOf(query) {
  const state = { ...START };
  if (query.has("search")) state.search = query.get("search");
  if (["active", "deleted", "all"].includes(query.get("status"))) state.status = query.get("status");
  if (COLUMNS.some(({ key }) => key && key === query.get("sort"))) state.sort = query.get("sort");
  if (query.has("order")) state.descending = query.get("order") !== "up";
  state.page = Math.max(1, Number.parseInt(query.get("page") ?? "1", 10) || 1);
  if (PAGES.includes(Number(query.get("size")))) state.size = Number(query.get("size"));
  return state;
}

function addressOf(state) {
  const query = new URLSearchParams();
  for (const name of ["search", "status", "sort", "page", "size"]) {
    if (state[name] !== START[name]) query.set(name, state[name]);
  }
  if (state.descending !== START.descending) query.set("order", state.descending ? "down" : "up");
  return query.size ? `#/?${query}` : "#/";
}

export function listView({ api, catalogue, query, signal }) {
  const state = stateOf(query);
  let shownKeys = []; // the rows of the page, as they were last put in order
  let pointed = false;
  let told = null;

  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", value: state.search });
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

  const heads = COLUMNS.map(({ key, label, head: kind }) => {
    const head = h("th", { scope: "col", role: "columnheader", class: kind });
    if (key) head.append(h("button", { type: "button", class: "sort", onclick: () => sortBy(key) }, label));
    else head.append(label);
    return head;
  });
  const body = h("tbody", { role: "rowgroup" });
  const table = h(
    "table",
    { role: "table", class: "segments cards", "aria-label": "Segments" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    body,
  );
  table.style.setProperty("--figures", COLUMNS.filter(({ ownLine }) => !ownLine).length);
  const sorts = h(
    "select",
    {},
    COLUMNS.filter(({ key }) => key).flatMap(({ key, label, ends: [up, down] }) => [
      h("option", { value: `${key} up` }, `${label}, ${up} first`),
      h("option", { value: `${key} down` }, `${label}, ${down} first`),
    ]),
  );
  const fresh = h("p", { class: "fresh" });
  const freshness = freshnessLine({ api, signal });
  const held = h("button", { type: "button", class: "small", hidden: true, onclick: () => release() }, "Put in order");
  const trouble = h("div");
  const empty = h("div", { class: "empty", hidden: true });
  const scroller = h("div", { class: "scroller", tabindex: "-1" }, table);
  const range = h("p", { class: "range" });
  const [previous, next] = [
    h("button", { type: "button", onclick: () => turn(-1) }, "Previous"),
    h("button", { type: "button", onclick: () => turn(1) }, "Next"),
  ];

  const turning = h("nav", { class: "pages", "aria-label": "Pages" }, previous, range, next);

  search.addEventListener("input", () => change({ search: search.value, page: 1 }, true));
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
    change({ sort: key, descending: state.sort === key ? !state.descending : columnOf(key).descends, page: 1 });
  }

  function turn(by) {
    change({ page: state.page + by });
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
    reconcile(body, rows, (segment) => segment.id, createRow, updateRow);

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
    renderFresh();
    renderTrouble();
    renderEmpty(found.length);
    return found.length;
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
    const isFirst = !state.search && state.status !== "deleted";
    const kind = !catalogue.complete ? "loading" : state.search ? "search" : isFirst ? "none" : "deleted";
    if (empty.hidden && hadFocus) heading.focus({ preventScroll: true });
    if (empty.hidden || empty.dataset.kind === kind) return;
    empty.dataset.kind = kind;
    const clear = () => {
      search.value = "";
      change({ search: "", page: 1 });
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
        h("p", {}, "No segment has this in its name, customer id or id."),
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
    h(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      field("Search by name or customer id", search),
      field("Status", status),
      h("div", { class: "narrow-only" }, field("Sort by", sorts)),
      field("Rows a page", size),
    ),
    trouble,
    h("div", { class: "above" }, h("div", {}, fresh, freshness.element), held),
    empty,
    scroller,
    turning,
  );
  render();
  return { element: view, title: "Segments" };
}
