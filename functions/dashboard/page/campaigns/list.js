// All campaigns as a table, the newest first, with how far each has come. It refreshes by itself and keeps its place.

import { isLive, modeLabel, MODES, sums, whenParts, whoParts } from "./labels.js";
import { announce, field, flash, foreign, h, problem, reconcile, setText } from "../kit/elements.js";
import { clock, counted, moment, number } from "../kit/formats.js";
import { MAX_ID_CHARACTERS } from "../kit/limits.js";
import { progressBar, showProgress } from "./progress.js";
import { SegmentNames } from "../segments/names.js";
import { stopDialog } from "./stop.js";
import { LIST_INTERVAL, Latest, Refresher } from "../kit/timers.js";

const PAGE = 25;
const NAMED = 2; // segments of each kind that a row names
const COLUMNS = ["Name", "Channel", "Who", "When", "Status", "Progress", "Queued", "Sent", "Skipped", "Failed"];
const FIGURES = ["queued", "sent", "skipped", "failed"];

const STATES = ["scheduled", "running", "completed", "stopped"];
const FILTERS = ["name", "status", "target_mode", "segment"];

export function campaignsView({ api, catalogue, query, signal, go }) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const names = new SegmentNames({ api, catalogue, signal });
  let cursors = [null]; // of the pages up to the shown one
  let following = null;
  let targets = null;
  let asked = 0;

  const search = h("input", {
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: MAX_ID_CHARACTERS,
    value: filter.name,
  });
  const status = choice("status", [["", "All"], ...STATES.map((state) => [state, state])]);
  const channel = choice("target_mode", [["", "All"], ...MODES.map(({ mode, label }) => [mode, label])]);
  const ofSegment = h("button", { type: "button", hidden: true, onclick: () => narrow({ segment: "" }) });
  const latest = new Latest(
    async (name) => name,
    (name) => narrow({ name }),
    signal,
  );
  search.addEventListener("input", () => latest.about(search.value));
  const filters = h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    field("Search by name", search),
    field("Status", status),
    field("Channel", channel),
    ofSegment,
  );
  const create = h("button", { type: "button", class: "primary", onclick: () => go("#/campaigns/new") }, "+ Campaign");
  const body = h("tbody", { role: "rowgroup" });
  const heads = COLUMNS.map((label, index) =>
    h("th", { scope: "col", role: "columnheader", class: index > 5 ? "number" : null }, label),
  );
  const table = h(
    "table",
    { role: "table", class: "campaigns cards", "aria-label": "Campaigns" },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        heads,
        h("th", { scope: "col", role: "columnheader" }, h("span", { class: "unseen" }, "Stop")),
      ),
    ),
    body,
  );
  const scroller = h("div", { class: "scroller", tabindex: "-1", hidden: true }, table);
  const trouble = h("div");
  const fresh = h("p", { class: "fresh" }, "Loading …");
  const empty = h(
    "div",
    { class: "empty" },
    h(
      "div",
      { class: "skeleton", "aria-hidden": "true" },
      Array.from({ length: 5 }, () => h("div")),
    ),
  );
  const range = h("p", { class: "range" });
  const previous = h("button", { type: "button", disabled: true, onclick: () => turn(-1) }, "Previous");
  const next = h("button", { type: "button", disabled: true, onclick: () => turn(1) }, "Next");
  const turning = h("nav", { class: "pages", "aria-label": "Pages", hidden: true }, previous, range, next);
  const refresher = new Refresher(read, signal, LIST_INTERVAL);
  names.addEventListener("change", () => targets && renderRows(), { signal });
  refresher.now();

  return {
    element: h(
      "section",
      { class: "list" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Campaigns"), create),
      filters,
      trouble,
      h("div", { class: "above" }, fresh),
      empty,
      scroller,
      turning,
    ),
    title: "Campaigns",
  };

  async function read() {
    const turnNumber = (asked += 1);
    try {
      const cursor = cursors.at(-1);
      const [found, goesOn] = await readPage(cursor);
      if (turnNumber !== asked) return true;
      targets = found;
      following = goesOn;
      trouble.replaceChildren();
      render();
      return true;
    } catch (error) {
      if (error.name === "AbortError" || turnNumber !== asked) return true;
      if (error.status === 400 && cursors.length > 1) {
        cursors = [null]; // a cursor that has grown too old
        return read();
      }
      fail(error);
      return false;
    }
  }

  /** Read a page to its end: what the API looked through for an answer may have none, or few, that are wanted. */
  async function readPage(from) {
    const found = [];
    let cursor = from;
    do {
      const asking = { ...wanted(), limit: PAGE - found.length, ...(cursor ? { cursor } : {}) };
      const answer = await api.ask("/1/targets/list.json", asking, { signal, tries: 2 });
      found.push(...answer.targets);
      cursor = answer.cursor ?? null;
    } while (cursor && found.length < PAGE && isNarrowed());
    return [found, cursor];
  }

  function wanted() {
    return Object.fromEntries(Object.entries(filter).filter(([, value]) => value.trim() !== ""));
  }

  function isNarrowed() {
    return Object.keys(wanted()).length > 0;
  }

  function choice(name, options) {
    const made = h(
      "select",
      {},
      options.map(([value, label]) => h("option", { value }, label)),
    );
    made.value = options.some(([value]) => value === filter[name]) ? filter[name] : "";
    filter[name] = made.value;
    made.addEventListener("change", () => narrow({ [name]: made.value }));
    return made;
  }

  /** Show other campaigns, under an address that leads to them again. */
  function narrow(part) {
    if (Object.entries(part).every(([name, value]) => filter[name] === value)) return;
    Object.assign(filter, part);
    history.replaceState(null, "", isNarrowed() ? `#/campaigns?${new URLSearchParams(wanted())}` : "#/campaigns");
    cursors = [null];
    read().then(() => targets && announce(counted(targets.length, "campaign shown", "campaigns shown")));
  }

  function showSegment() {
    ofSegment.hidden = !filter.segment;
    if (filter.segment)
      ofSegment.replaceChildren("Only those with ", foreign(names.of(Number(filter.segment))), ": show all");
  }

  function fail(error) {
    const shown = targets ? `${error.message} What is shown is from before.` : error.message;
    if (trouble.textContent.startsWith(shown)) return;
    trouble.replaceChildren(problem(shown, () => refresher.now()));
    if (targets) return;
    fresh.textContent = "";
    empty.hidden = true;
  }

  function render() {
    const from = (cursors.length - 1) * PAGE;
    const isEmpty = targets.length === 0;
    empty.hidden = !isEmpty;
    if (isEmpty && isNarrowed()) empty.replaceChildren(h("p", {}, "No campaign is like that."));
    else if (isEmpty && !empty.querySelector("button")) empty.replaceChildren(...nothing());
    scroller.hidden = isEmpty;
    turning.hidden = cursors.length === 1 && !following;
    previous.disabled = cursors.length === 1;
    next.disabled = !following;
    setText(range, isEmpty ? "There are no more." : `${number(from + 1)}–${number(from + targets.length)}`);
    const every = counted(Math.round(refresher.wait / 1000), "second");
    setText(fresh, `As read at ${clock(new Date())}, refreshed every ${every}`);
    renderRows();
  }

  function nothing() {
    return [
      h("p", {}, "There are no campaigns yet."),
      h(
        "p",
        {},
        "A campaign sends a message to the users of segments: at once, at a time, or to each user when they join or leave a segment.",
      ),
      h("button", { type: "button", class: "primary", onclick: () => go("#/campaigns/new") }, "Create the first"),
    ];
  }

  function renderRows() {
    showSegment();
    reconcile(body, targets, (target) => target.id, createRow, updateRow);
  }

  function createRow(target) {
    const cell = (label, kind, ...content) => h("td", { role: "cell", class: kind, "data-label": label }, content);
    return h(
      "tr",
      { role: "row" },
      h(
        "th",
        { role: "rowheader", scope: "row", class: "name" },
        h("a", { href: `#/campaigns/${target.id}` }, foreign(target.name)),
      ),
      cell("Channel", "mode", modeLabel(target.target_mode)),
      cell("Who", "audience"),
      cell("When", "when"),
      cell("Status", "status", h("span")),
      cell("Progress", "progress", progressBar()),
      FIGURES.map((name) =>
        cell(name[0].toUpperCase() + name.slice(1), `number ${name}`, h("span", { class: "figure" })),
      ),
      h("td", { role: "cell", class: "act" }),
    );
  }

  function updateRow(row, target) {
    fill(row.querySelector(".audience"), whoParts(names, target.segments, NAMED));
    fill(row.querySelector(".when"), whenParts(names, target));
    row.querySelector(".when").title = `Created ${moment(target.created_at, target.time_zone)}`;
    const status = row.querySelector(".status span");
    if (setText(status, target.status)) status.className = `badge ${target.status}`;
    const told = sums(target.result);
    for (const name of FIGURES) figure(row.querySelector(`.${name} .figure`), number(told[name]));
    showProgress(row.querySelector(".progress"), target, told);
    const act = row.querySelector(".act");
    if (!isLive(target)) act.replaceChildren();
    else if (!act.firstChild) act.append(stopButton(target));
  }

  function stopButton(target) {
    return h(
      "button",
      {
        type: "button",
        class: "small",
        "aria-label": `Stop ${target.name}`,
        onclick: () => stopDialog(api, target, () => refresher.soon()),
      },
      "Stop",
    );
  }

  function turn(by) {
    if (by > 0) cursors.push(following);
    else cursors.pop();
    previous.disabled = next.disabled = true;
    scroller.focus({ preventScroll: true });
    read().then(() => announce(range.textContent));
  }
}

/** Put parts into a cell only where they read otherwise than what is there, so that a link keeps its focus. */
function fill(cell, parts) {
  const made = h("div", {}, parts);
  if (cell.firstElementChild?.textContent !== made.textContent) cell.replaceChildren(made);
}

function figure(element, text) {
  const isNew = element.textContent === "";
  if (setText(element, text) && !isNew) flash(element);
}
