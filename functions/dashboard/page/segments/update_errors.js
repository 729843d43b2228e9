// The error stream: entries of updates that were refused, newest first.

import { foreign, h, problem, showTime } from "../kit/elements.js";
import { clock, counted } from "../kit/formats.js";
import { UPDATE_ERROR_DAYS } from "../kit/limits.js";
import { userLink } from "../kit/links.js";

const PAGE = 100;

export function errorsView({ api, signal }) {
  let cursor = null;
  let count = 0;
  const body = h("tbody");
  const heads = ["When", "Asked for", "User", "Segment", "Code", "Why not", "Request"];
  const table = h(
    "table",
    { class: "errors", "aria-label": "Rejected entries" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((label) => h("th", { scope: "col", class: label === "Code" ? "number" : null }, label)),
      ),
    ),
    body,
  );
  const scroller = h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": "Rejected entries", hidden: true },
    table,
  );
  const fresh = h("p", { class: "fresh" }, "Loading …");
  const trouble = h("div");
  const empty = h("div", { class: "empty", hidden: true }, h("p", {}, `Nothing was rejected in the last ${UPDATE_ERROR_DAYS} days.`));
  const more = h("button", { type: "button", hidden: true, onclick: () => load(cursor) }, "Show older ones");
  const again = h("button", { type: "button", onclick: () => load(null) }, "Refresh");
  load(null);
  return {
    element: h(
      "section",
      { class: "errors" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Errors"), again),
      h(
        "p",
        { class: "hint" },
        `Entries of updates that the API rejected, kept for ${UPDATE_ERROR_DAYS} days. What was only throttled is not here: its sender was told to send it again.`,
      ),
      trouble,
      fresh,
      empty,
      scroller,
      h("nav", { class: "pages", "aria-label": "Pages" }, more),
    ),
    title: "Errors",
  };

  async function load(from) {
    more.disabled = again.disabled = true;
    try {
      const answer = await api.get("/api/errors", { limit: PAGE, cursor: from }, { signal });
      if (from === null) {
        body.replaceChildren();
        count = 0;
      }
      body.append(...answer.errors.map(row));
      count += answer.errors.length;
      cursor = answer.cursor;
      more.hidden = !cursor;
      scroller.hidden = count === 0;
      empty.hidden = count > 0;
      const told = count
        ? `${cursor ? "The newest " : ""}${counted(count, "rejected entry", "rejected entries")}, as`
        : "As";
      fresh.textContent = `${told} read at ${clock(new Date())}`;
      trouble.replaceChildren();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (count === 0) fresh.textContent = "";
      trouble.replaceChildren(problem(error.message, () => load(from)));
    } finally {
      more.disabled = again.disabled = false;
    }
  }
}

function row(error) {
  const known = error.ct_segment_id !== null && error.ct_segment_id !== undefined;
  const customer =
    error.customer_segment_id === null || error.customer_segment_id === undefined
      ? null
      : foreign(error.customer_segment_id);
  return h(
    "tr",
    {},
    h("td", {}, showTime(h("time"), error.occurred_at)),
    h("td", {}, error.action),
    h("td", { class: "user" }, error.identity === null && error.guid === null ? "" : userLink(error)),
    h(
      "td",
      { class: "segment" },
      known
        ? h("a", { href: `#/segments/${error.ct_segment_id}` }, customer ?? String(error.ct_segment_id))
        : (customer ?? ""),
    ),
    h("td", { class: "number" }, String(error.code)),
    h("td", { class: "why" }, error.error),
    h("td", {}, h("code", {}, error.request_id)),
  );
}
