// All imports as a table, or those of one segment, the newest first. It refreshes by itself.

import { announce, foreign, h, problem, reconcile, setText, showTime } from "../kit/elements.js";
import { clock, counted, number } from "../kit/formats.js";
import { LIST_INTERVAL, Refresher } from "../kit/timers.js";
import { SegmentNames } from "../segments/names.js";
import { figuresOf, modeLabel, stateLabel, toneOf } from "./words.js";

const PAGE = 25;
const COLUMNS = ["Segment", "What", "When", "By", "Figures", "Status"];

export function importsView({ api, catalogue, query, signal }) {
  const segmentId = /^\d+$/.test(query.get("segment") ?? "") ? Number(query.get("segment")) : null;
  const names = new SegmentNames({ api, catalogue, signal });
  let cursors = [null]; // of the pages up to the shown one
  let following = null;
  let shown = null;
  let asked = 0;
  const body = h("tbody", { role: "rowgroup" });
  const table = h(
    "table",
    { role: "table", class: "imports cards", "aria-label": "Imports" },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        COLUMNS.map((label) => h("th", { scope: "col", role: "columnheader" }, label)),
      ),
    ),
    body,
  );
  const ofSegment = h("p", { hidden: segmentId === null });
  const scroller = h("div", { class: "scroller", tabindex: "-1", hidden: true }, table);
  const trouble = h("div");
  const fresh = h("p", { class: "fresh" }, "Loading …");
  const empty = h("div", { class: "empty", hidden: true });
  const range = h("p", { class: "range" });
  const previous = h("button", { type: "button", disabled: true, onclick: () => turn(-1) }, "Previous");
  const next = h("button", { type: "button", disabled: true, onclick: () => turn(1) }, "Next");
  const turning = h("nav", { class: "pages", "aria-label": "Pages", hidden: true }, previous, range, next);
  const refresher = new Refresher(read, signal, LIST_INTERVAL);
  names.addEventListener("change", () => shown && renderRows(), { signal });
  refresher.now();
  return {
    element: h(
      "section",
      { class: "list" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Imports")),
      ofSegment,
      trouble,
      h("div", { class: "above" }, fresh),
      empty,
      scroller,
      turning,
    ),
    title: "Imports",
  };

  async function read() {
    const turnNumber = (asked += 1);
    try {
      const wanted = { segment_id: segmentId, limit: PAGE, cursor: cursors.at(-1) };
      const answer = await api.get("/api/imports", wanted, { signal, tries: 2 });
      if (turnNumber !== asked) return true;
      shown = answer.imports;
      following = answer.cursor;
      trouble.replaceChildren();
      render();
      return true;
    } catch (error) {
      if (error.name === "AbortError" || turnNumber !== asked) return true;
      if (error.status === 400 && cursors.length > 1) {
        cursors = [null]; // a cursor that has grown too old
        return read();
      }
      const said = shown ? `${error.message} What is shown is from before.` : error.message;
      trouble.replaceChildren(problem(said, () => refresher.now()));
      if (!shown) setText(fresh, "");
      return false;
    }
  }

  function render() {
    const from = (cursors.length - 1) * PAGE;
    const isEmpty = shown.length === 0;
    empty.hidden = !isEmpty;
    scroller.hidden = isEmpty;
    if (isEmpty && !empty.firstChild)
      empty.append(
        h("p", {}, segmentId === null ? "There are no imports yet." : "This segment has no imports."),
        h("p", {}, "To import users, open a segment and drop a file on it. Imports are listed for 90 days."),
        segmentId === null
          ? h("a", { class: "button", href: "#/" }, "All segments")
          : h("a", { class: "button", href: `#/segments/${segmentId}` }, "To the segment"),
      );
    turning.hidden = cursors.length === 1 && !following;
    previous.disabled = cursors.length === 1;
    next.disabled = !following;
    setText(range, isEmpty ? "There are no more." : `${number(from + 1)}–${number(from + shown.length)}`);
    const every = counted(Math.round(refresher.wait / 1000), "second");
    setText(fresh, `As read at ${clock(new Date())}, refreshed every ${every}`);
    renderRows();
  }

  function renderRows() {
    if (segmentId !== null && ofSegment.dataset.name !== names.of(segmentId)) {
      ofSegment.dataset.name = names.of(segmentId);
      ofSegment.replaceChildren(
        "Those of ",
        h("a", { href: `#/segments/${segmentId}` }, foreign(names.of(segmentId))),
        ". ",
        h("a", { href: "#/imports" }, "Show all imports"),
      );
    }
    reconcile(body, shown, (each) => each.import_id, createRow, updateRow);
  }

  function createRow(each) {
    const cell = (label, kind, ...content) => h("td", { role: "cell", class: kind, "data-label": label }, content);
    return h(
      "tr",
      { role: "row" },
      h(
        "th",
        { role: "rowheader", scope: "row", class: "name" },
        h("a", { href: `#/imports/${each.import_id}` }, foreign("")),
      ),
      cell(
        "What",
        "what",
        modeLabel(each.mode),
        each.file_name === null ? null : h("span", { class: "file" }, foreign(each.file_name)),
      ),
      cell("When", "when", showTime(h("time"), each.created_at)),
      cell("By", "by", each.created_by === null ? h("span", { class: "none" }, "not known") : foreign(each.created_by)),
      cell("Figures", "sums"),
      cell("Status", "status", h("span")),
    );
  }

  function updateRow(row, each) {
    setText(row.querySelector(".name bdi"), names.of(each.segment_id));
    setText(row.querySelector(".sums"), figuresOf(each) || "–");
    const status = row.querySelector(".status span");
    if (setText(status, stateLabel(each.status))) status.className = `badge ${toneOf(each.status)}`;
  }

  function turn(by) {
    if (by > 0) cursors.push(following);
    else cursors.pop();
    previous.disabled = next.disabled = true;
    scroller.focus({ preventScroll: true });
    read().then(() => announce(range.textContent));
  }
}
