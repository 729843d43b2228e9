// One campaign: what it is, what became of its messages by reason, and the delivery log.

import { AFTER_SENDING, isLive, isOnline, modeLabel, reasonText, sums, whenParts, whoParts } from "./labels.js";
import { copyButton } from "../kit/copying.js";
import { duplicateOf, editOf } from "./draft.js";
import { whenFree } from "./replace_draft.js";
import { fact, flash, foreign, h, problem, setText } from "../kit/elements.js";
import { clock, moment, number, share } from "../kit/formats.js";
import { logPart } from "./delivery_log.js";
import { progressBar, showProgress } from "./progress.js";
import { SegmentNames } from "../segments/names.js";
import { saveDraft } from "../kit/session.js";
import { stopDialog } from "./stop.js";
import { ONE_THING_INTERVAL, Refresher } from "../kit/timers.js";

const FIELDS = {
  subject: "Subject",
  title: "Title",
  sender_name: "Sender's name",
  sender: "Sender",
  reply_to: "Replies go to",
  url: "Webhook",
  deep_link: "Link",
  body: "Body",
  text: "Text without HTML",
};

export function campaignView({ api, catalogue, id, query, signal, go }) {
  const view = h(
    "section",
    { class: "campaign" },
    h("h1", { tabindex: "-1" }, "Campaign"),
    h("p", { class: "fresh" }, "Loading …"),
    h(
      "div",
      { class: "skeleton", "aria-hidden": "true" },
      Array.from({ length: 5 }, () => h("div")),
    ),
  );
  const names = new SegmentNames({ api, catalogue, signal });
  let parts = null;
  const refresher = new Refresher(read, signal, ONE_THING_INTERVAL);
  names.addEventListener("change", () => parts?.renderNames(), { signal });
  refresher.now();
  return { element: view, title: "Campaign" };

  async function read() {
    try {
      const { target, result } = await api.ask("/1/targets/result.json", { id }, { signal, tries: 2 });
      if (!parts) {
        const stop = () => stopDialog(api, parts.target, () => refresher.soon());
        const goOn = () => go("#/campaigns/new/channel");
        const write = (draft) =>
          whenFree(goOn, () => {
            saveDraft(draft);
            goOn();
          });
        parts = campaignParts({ api, names, target, signal, stop, write, query });
        const hadFocus = view.contains(document.activeElement);
        view.replaceChildren(...parts.elements);
        if (hadFocus) view.querySelector("h1").focus({ preventScroll: true });
      }
      parts.render(target, result);
      document.title = `${target.name} · API Segments`;
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true;
      if (parts) parts.fail(error, () => refresher.now());
      else {
        const isUnknown = error.status === 404;
        const told = isUnknown ? `There is no campaign ${id} in this account.` : error.message;
        view.replaceChildren(
          h("h1", { tabindex: "-1" }, "Campaign"),
          problem(told, isUnknown ? null : () => refresher.now()),
          h("p", {}, h("a", { href: "#/campaigns" }, "All campaigns")),
        );
      }
      return false;
    }
  }
}

function campaignParts({ api, names, target: first, signal, stop, write, query }) {
  const isEdited = query.has("edited");
  const isNew = isEdited || query.has("created");
  const badge = h("span", { class: "badge" });
  const editing = h("button", { type: "button", onclick: () => write(editOf(parts.target)) }, "Edit");
  const duplicating = h("button", { type: "button", onclick: () => write(duplicateOf(parts.target)) }, "Duplicate");
  const stopping = h("button", { type: "button", class: "danger", onclick: stop }, "Stop");
  const trouble = h("div");
  const created = h("div", { class: "done", role: "status", hidden: !isNew }, h("p", {}, isEdited ? "The changes are saved." : madeText(first)));
  const [who, when, started, ended] = [h("dd", { class: "stacked" }), h("dd"), h("dd"), h("dd")];
  const startedRow = h("div", {}, h("dt", {}, "Started"), started);
  const endedRow = h("div", {}, h("dt", {}, "Ended"), ended);
  const limit = first.users_limit_overall ?? null;
  const progress = progressBar();
  const isEmail = first.target_mode === "email";
  const figures = ["queued", "sent", "skipped", "failed", ...(isEmail ? AFTER_SENDING : [])].map((name) => {
    const figure = h("span", { class: "figure" });
    const part = h("span", { class: "share" });
    const label = name[0].toUpperCase() + name.slice(1);
    return { name, figure, part, element: h("div", {}, h("dt", {}, label), h("dd", {}, figure, part)) };
  });
  const reasons = h("tbody");
  const reasonsTable = h(
    "table",
    { class: "reasons", "aria-label": "Why messages were skipped or failed" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "What"),
        h("th", { scope: "col" }, "Why"),
        h("th", { scope: "col", class: "number" }, "Users"),
      ),
    ),
    reasons,
  );
  const fresh = h("p", { class: "fresh" });
  const log = logPart({ api, target: first, signal });
  const parts = {
    target: first,
    elements: [
      h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/campaigns" }, "All campaigns")),
      h(
        "div",
        { class: "title" },
        h("h1", { tabindex: "-1" }, foreign(first.name)),
        badge,
        h("div", { class: "actions" }, editing, duplicating, stopping),
      ),
      created,
      trouble,
      h(
        "dl",
        { class: "facts" },
        fact(
          "Id",
          h("code", {}, String(first.id)),
          copyButton(() => String(first.id), "the id"),
        ),
        fact("Channel", modeLabel(first.target_mode)),
        h("div", {}, h("dt", {}, "Who"), who),
        h("div", {}, h("dt", {}, "When"), when),
        limit === null ? null : fact("At most", number(limit)),
        fact("Created", h("time", { datetime: first.created_at }, moment(first.created_at, first.time_zone))),
        startedRow,
        endedRow,
      ),
      h(
        "section",
        { class: "panel results", "aria-labelledby": "results" },
        h("h2", { id: "results" }, "Results"),
        h(
          "dl",
          { class: "figures" },
          figures.map((each) => each.element),
        ),
        progress,
        reasonsTable,
        fresh,
      ),
      h("div", { class: "sides" }, log.element, contentPart(first)),
    ],
    render,
    renderNames,
    fail: (error, retry) => trouble.replaceChildren(problem(`${error.message} What is shown is from before.`, retry)),
  };
  return parts;

  function renderNames() {
    who.replaceChildren(...whoParts(names, parts.target.segments));
    when.replaceChildren(...whenParts(names, parts.target));
  }

  function render(target, result) {
    const isMoved = parts.told !== JSON.stringify(result);
    parts.target = target;
    parts.told = JSON.stringify(result);
    trouble.replaceChildren();
    if (setText(badge, target.status)) badge.className = `badge ${target.status}`;
    stopping.hidden = !isLive(target);
    editing.hidden = target.status !== "scheduled";
    for (const [row, value, at] of [
      [startedRow, started, target.started_at],
      [endedRow, ended, target.ended_at],
    ]) {
      row.hidden = !at;
      const why = value === ended && result.stop_reason ? ` · ${reasonText(result.stop_reason)}` : "";
      if (at) setText(value, moment(at, target.time_zone) + why);
    }
    const told = sums(result);
    const whole = told.sent + told.skipped + told.failed + told.waiting;
    for (const { name, figure, part } of figures) {
      const isFirst = figure.textContent === "";
      if (setText(figure, number(told[name])) && !isFirst) flash(figure);
      const base = AFTER_SENDING.includes(name) ? told.sent : whole;
      setText(part, name !== "queued" && base ? share(told[name], base) : "");
    }
    showProgress(progress, target, told);
    renderReasons(result);
    setText(fresh, `As read at ${clock(new Date())}`);
    if (!parts.named) renderNames();
    parts.named = true;
    if (isMoved) log.reload();
  }

  function renderReasons(result) {
    const rows = ["skipped", "failed"].flatMap((kind) =>
      Object.entries(result[kind])
        .filter(([, count]) => count)
        .sort((a, b) => b[1] - a[1])
        .map(([reason, count]) => ({ kind, reason, count })),
    );
    reasonsTable.hidden = rows.length === 0;
    const text = JSON.stringify(rows);
    if (reasons.dataset.shown === text) return;
    reasons.dataset.shown = text;
    reasons.replaceChildren(
      ...rows.map(({ kind, reason, count }) =>
        h(
          "tr",
          {},
          h("td", {}, h("span", { class: `badge ${kind}` }, kind)),
          h("td", {}, reasonText(reason)),
          h("td", { class: "number" }, number(count)),
        ),
      ),
    );
  }
}

function madeText(target) {
  if (isOnline(target)) return "Created. From now on each change that it acts on sends its message.";
  return target.when === "now" ? "Created. It starts in a moment." : "Created. It starts at its time.";
}

function contentPart({ content }) {
  const fields = Object.entries(FIELDS).filter(([name]) => content?.[name]);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "content" },
    h("h2", { id: "content" }, "Content"),
    fields.length
      ? h(
          "dl",
          { class: "written" },
          fields.map(([name, label]) =>
            h(
              "div",
              {},
              h("dt", {}, label),
              h(
                "dd",
                {},
                name === "body"
                  ? h(
                      "pre",
                      { tabindex: "0", "aria-label": "Body", role: "region" },
                      h("code", { dir: "auto" }, content.body),
                    )
                  : foreign(content[name]),
              ),
            ),
          ),
        )
      : h("p", { class: "none" }, "The profile, the campaign and the event, as JSON."),
  );
}
