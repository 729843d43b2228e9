// The delivery log of a campaign, page by page.

import { AFTER_SENDING, reasonText } from "./labels.js";
import { h, problem, reconcile, setText, showTime } from "../kit/elements.js";
import { counted, moment, number } from "../kit/formats.js";
import { DELIVERY_LOG_DAYS } from "../kit/limits.js";
import { userLink } from "../kit/links.js";

const PAGE = 25;

export function logPart({ api, target, signal }) {
  let cursors = [null]; // of the pages up to the shown one
  let following = null;
  let asked = 0;
  const body = h("tbody");
  const table = h(
    "table",
    { class: "deliveries", "aria-label": "Delivery log" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["User", "Status", "Why", "At"].map((label) => h("th", { scope: "col" }, label)),
      ),
    ),
    body,
  );
  const scroller = h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": "Page of the delivery log", hidden: true },
    table,
  );
  const told = h("p", { class: "range" }, "Loading …");
  const trouble = h("div");
  const previous = h("button", { type: "button", disabled: true, onclick: () => turn(-1) }, "Previous");
  const next = h("button", { type: "button", disabled: true, onclick: () => turn(1) }, "Next");
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "log" },
    h("h2", { id: "log" }, "Delivery log"),
    h("p", { class: "hint" }, `One line for each user of it, in no order, kept for ${DELIVERY_LOG_DAYS} days.`),
    trouble,
    scroller,
    h("nav", { class: "pages", "aria-label": "Pages of the delivery log" }, previous, told, next),
  );
  return { element, reload: load };

  async function load() {
    const turnNumber = (asked += 1);
    const cursor = cursors.at(-1);
    try {
      const query = { id: target.id, limit: PAGE, ...(cursor ? { cursor } : {}) };
      const answer = await api.ask("/1/targets/log.json", query, { signal });
      if (turnNumber !== asked) return;
      following = answer.cursor ?? null;
      trouble.replaceChildren();
      render(answer.log);
    } catch (error) {
      if (error.name === "AbortError" || turnNumber !== asked) return;
      if (error.status === 400 && cursors.length > 1) {
        cursors = [null]; // a cursor that has grown too old
        await load();
        return;
      }
      trouble.replaceChildren(problem(error.message, load));
      if (scroller.hidden) setText(told, "");
    }
  }

  function render(lines) {
    const seen = new Map(); // an online campaign may have several lines of a user
    const keys = new Map(lines.map((line) => [line, `${line.guid} ${nextOf(seen, line.guid)}`]));
    reconcile(body, lines, (line) => keys.get(line), createRow, (row, line) => updateRow(row, line, target.time_zone));
    const from = (cursors.length - 1) * PAGE;
    scroller.hidden = lines.length === 0;
    previous.disabled = cursors.length === 1;
    next.disabled = !following;
    previous.hidden = next.hidden = cursors.length === 1 && !following;
    const some = `${number(from + 1)}–${counted(from + lines.length, "line")}`;
    setText(told, lines.length ? some : from ? "There are no more." : "Nothing went out yet.");
  }

  function turn(by) {
    if (by > 0) cursors.push(following);
    else cursors.pop();
    previous.disabled = next.disabled = true;
    load().then(() => scroller.focus({ preventScroll: true }));
  }
}

function nextOf(counts, key) {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts.get(key);
}

function createRow(line) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, userLink(line)),
    h("td", {}, h("span", { class: "badge" })),
    h("td", { class: "why" }),
    h("td", {}, h("time")),
  );
}

function updateRow(row, line, accounts) {
  const badge = row.querySelector(".badge");
  if (setText(badge, line.status)) badge.className = `badge ${line.status}`;
  const since = AFTER_SENDING.filter((what) => line[`${what}_at`] !== null).map(
    (what) => `${what[0].toUpperCase()}${what.slice(1)} ${moment(line[`${what}_at`], accounts)}`,
  );
  setText(row.querySelector(".why"), [line.reason === null ? [] : reasonText(line.reason), since].flat().join(", "));
  showTime(row.querySelector("time"), line.at, accounts);
}
