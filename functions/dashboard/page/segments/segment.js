// One segment: its figures, members, recent changes, curl lines; rename, delete, add or remove users.

import { API_URL } from "../kit/api.js";
import { copyButton } from "../kit/copying.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, fact, field, flash, foreign, h, keepFocus, problem, setText } from "../kit/elements.js";
import { FIGURES } from "./columns.js";
import { deleteDialog } from "./delete_dialog.js";
import { freshnessLine } from "./freshness.js";
import { growthPart } from "./growth.js";
import { clock, counted, moment, number, seconds, share, signed } from "../kit/formats.js";
import { MAX_ID_CHARACTERS } from "../kit/limits.js";
import { membersPart } from "./members.js";
import { ONE_THING_INTERVAL, Refresher } from "../kit/timers.js";
import { usersDialog } from "./users_dialog.js";

const SHOWN_CHANGES = 20;

/** `importFile({segment, file, mode})` imports a file of users. */
export function segmentView({ api, catalogue, id, signal, importFile }) {
  const view = h(
    "section",
    { class: "segment" },
    h("h1", { tabindex: "-1" }, "Segment"),
    h("p", { class: "fresh" }, "Loading …"),
  );
  const page = { element: view, title: "Segment" };
  let parts = null;
  const refresher = new Refresher(read, signal, ONE_THING_INTERVAL);
  refresher.now();
  view.addEventListener("dragover", (event) => event.preventDefault());
  view.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file && parts?.segment.status === "active") importFile({ segment: parts.segment, file });
  });
  return page;

  async function read() {
    try {
      const segment = await api.get(`/api/segments/${id}`, {}, { signal, tries: 2 });
      catalogue.put(segment);
      if (!parts) {
        parts = segmentParts({ api, catalogue, segment, signal, importFile, refresh: () => refresher.soon() });
        const hadFocus = view.contains(document.activeElement);
        view.replaceChildren(...parts.elements);
        if (hadFocus) view.querySelector("h1").focus({ preventScroll: true });
      }
      parts.render(segment);
      document.title = `${segment.segment_name} · API Segments`;
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true;
      if (parts) parts.fail(error);
      else if (error.status === 404)
        view.replaceChildren(
          h("h1", { tabindex: "-1" }, "Segment"),
          problem(`There is no segment ${id} in this account.`),
          back(),
        );
      else
        view.replaceChildren(
          h("h1", { tabindex: "-1" }, "Segment"),
          problem(error.message, () => refresher.now()),
          back(),
        );
      return false;
    }
  }
}

function back() {
  return h("p", {}, h("a", { href: "#/" }, "All segments"));
}

function segmentParts({ api, catalogue, segment: first, signal, importFile, refresh }) {
  const customer = first.customer_segment_id;
  const name = foreign("");
  const heading = h("h1", { tabindex: "-1" }, name);
  const badge = h("span", { class: "badge" });
  const deleted = h("dd");
  const deletedRow = h("div", { hidden: true }, h("dt", {}, "Deleted"), deleted);
  const buttons = h(
    "div",
    { class: "actions" },
    h("button", { type: "button", class: "primary", onclick: () => openUsers() }, "Add or remove users"),
    h("button", { type: "button", onclick: () => importFile({ segment: parts.segment }) }, "Import a file"),
    h("button", { type: "button", onclick: () => renameDialog(api, parts.segment, done) }, "Rename"),
    h("button", { type: "button", class: "danger", onclick: () => deleteDialog({ api, segments: [parts.segment], ondone: done }) }, "Delete"),
  );
  const trouble = h("div");
  const fresh = h("p", { class: "fresh" });
  const freshness = freshnessLine({ api, signal, onchange: () => renderCatchingUp() });
  const membersFigure = h("span", { class: "figure" });
  const catchingUp = h("span", { class: "late", role: "status" });
  const [whole, ...channels] = FIGURES;
  const rows = channels.map(({ label, figure: figureOf }) => {
    const figure = h("span", { class: "figure" });
    const part = h("span", { class: "share" });
    const bar = h("span");
    return {
      figureOf,
      figure,
      part,
      bar,
      element: h(
        "div",
        {},
        h("dt", {}, label),
        h("dd", {}, figure, part, h("span", { class: "bar", "aria-hidden": "true" }, bar)),
      ),
    };
  });
  const changes = h("ol", { class: "changes" });
  const changesNote = h("p", { class: "hint" });
  const members = membersPart({
    api,
    segment: first,
    signal,
    onremoved: () => {
      catalogue.expect(parts.segment, -1);
      done();
    },
  });
  const curl = h(
    "details",
    { class: "panel" },
    h("summary", {}, "Do it from your backend"),
    curlLines(api.account, first.id),
  );

  const parts = {
    segment: first,
    elements: [
      h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/" }, "All segments")),
      h("div", { class: "title" }, heading, badge, buttons),
      trouble,
      h(
        "dl",
        { class: "facts" },
        fact("Id", h("code", {}, String(first.id)), copyButton(() => String(first.id), "the id")),
        customer === null
          ? fact("Customer id", h("span", { class: "none" }, "none"))
          : fact("Customer id", foreign(customer), copyButton(() => customer, "the customer id")),
        fact("Created", h("time", { datetime: first.created_at }, moment(first.created_at))),
        fact("Campaigns", h("a", { href: `#/campaigns?segment=${first.id}` }, "Those that use it")),
        fact("Imports", h("a", { href: `#/imports?segment=${first.id}` }, "Its imports")),
        deletedRow,
      ),
      h(
        "section",
        { class: "panel", "aria-labelledby": "figures" },
        h("h2", { id: "figures" }, "Members and who can be reached"),
        h(
          "dl",
          { class: "figures" },
          h("div", { class: "whole" }, h("dt", {}, whole.label), h("dd", {}, membersFigure, catchingUp)),
          rows.map((row) => row.element),
        ),
        fresh,
        freshness.element,
      ),
      growthPart({ api, id: first.id, signal }),
      h(
        "div",
        { class: "sides" },
        members.element,
        h(
          "div",
          {},
          h(
            "section",
            { class: "panel", "aria-labelledby": "changes" },
            h("h2", { id: "changes" }, "Recent changes"),
            changesNote,
            changes,
          ),
          curl,
        ),
      ),
    ],
    render,
    fail,
  };
  return parts;

  function openUsers() {
    const before = parts.segment;
    usersDialog({
      api,
      segment: parts.segment,
      importFile: (wanted) => importFile({ segment: parts.segment, ...wanted }),
      ondone: (told, change) => {
        catalogue.expect(before, change);
        catalogue.note(first.id, { text: `From this page: ${told}` });
        done();
      },
    });
  }

  function done() {
    refresh();
    members.reload();
  }

  function show(element, text) {
    const isNew = element.textContent === "";
    if (setText(element, text) && !isNew) flash(element);
  }

  function render(segment) {
    const isMoved = parts.segment.as_of !== segment.as_of || parts.segment.status !== segment.status;
    const ends = [buttons, curl, members.element]; // with the segment
    const hadFocus = ends.some((part) => part.contains(document.activeElement));
    parts.segment = segment;
    trouble.replaceChildren();
    setText(name, segment.segment_name);
    if (setText(badge, segment.status)) badge.className = `badge ${segment.status}`;
    buttons.hidden = curl.hidden = segment.status !== "active";
    deletedRow.hidden = !segment.deleted_at;
    if (segment.deleted_at) setText(deleted, moment(segment.deleted_at));
    show(membersFigure, number(segment.members));
    for (const { figureOf, figure, part, bar } of rows) {
      const reached = figureOf(segment);
      show(figure, number(reached));
      setText(part, segment.members ? share(reached, segment.members) : "");
      bar.style.width = segment.members ? `${(100 * reached) / segment.members}%` : "0";
    }
    setText(
      fresh,
      `Figures as read at ${clock(new Date())}; they last moved at ${moment(segment.as_of)}.`,
    );
    renderCatchingUp();
    if (isMoved) members.reload();
    members.show(segment);
    if (hadFocus && segment.status !== "active") heading.focus({ preventScroll: true });
    renderChanges();
  }

  /** Say that members are still to come or go: some that this tab changed, or those of a stack that is behind. */
  function renderCatchingUp() {
    const { behind } = freshness;
    const isLate = catalogue.isCatchingUp(first.id) || behind !== null;
    const text = behind === null ? "catching up" : `catching up, ${seconds(behind)} behind`;
    setText(catchingUp, isLate && parts.segment.status === "active" ? text : "");
    members.showCatchingUp(isLate ? text : null);
  }

  function fail(error) {
    trouble.replaceChildren(problem(`${error.message} The figures are from before.`, refresh));
  }

  function renderChanges() {
    const known = catalogue.changesOf(first.id).slice(0, SHOWN_CHANGES);
    const seen = known.map(({ at, what }) => ({
      at,
      key: `${at.getTime()} ${JSON.stringify(what)}`,
      content: changeContent(what),
    }));
    setText(
      changesNote,
      `Shown is what this tab did and saw since ${clock(catalogue.since)}: what differed from one reading to the next. Every single change is an event, Segment Membership Change, on the bus of the stack.`,
    );
    const text = seen.map(({ key }) => key).join("\n");
    if (changes.dataset.shown === text) return;
    changes.dataset.shown = text;
    changes.replaceChildren(
      ...(seen.length
        ? seen.map(({ at, content }) =>
            h("li", {}, h("time", { datetime: at.toISOString() }, clock(at)), h("span", {}, content)),
          )
        : [h("li", { class: "none" }, "Nothing has changed since.")]),
    );
  }
}

function changeContent({ deltas, text, was }) {
  if (deltas) {
    const told = ([label, before, after]) =>
      label === FIGURES[0].label
        ? `${label} ${number(before)} → ${number(after)} (${signed(after - before)})`
        : `${label} ${signed(after - before)}`;
    return deltas.map(told).join(", ");
  }
  return was === undefined ? text : [`${text}, before: `, foreign(was)];
}

function curlLines(account, id) {
  const line = (action) => {
    const body = {
      bulk_profiles: [{ user_profiles: [{ identity: "USER-1" }], segments: [{ ct_segment_id: String(id), action }] }],
    };
    return [
      `curl '${API_URL}/api/updateSegment'`,
      "-H 'Content-Type: application/json'",
      `-H 'X-CleverTap-Account-Id: ${account.replaceAll("'", "")}'`,
      '-H "X-CleverTap-Passcode: $PASSCODE"',
      `-d '${JSON.stringify(body)}'`,
    ].join(" \\\n  ");
  };
  const part = (title, action, what) =>
    h(
      "div",
      { class: "curl" },
      h(
        "div",
        { class: "above" },
        h("h3", {}, title),
        copyButton(() => line(action), what),
      ),
      h("pre", { tabindex: "0" }, h("code", {}, line(action))),
    );
  return h(
    "div",
    {},
    h(
      "p",
      { class: "hint" },
      "Put the passcode into the variable PASSCODE first; USER-1 stands for your own id of a user.",
    ),
    part("Add a user", "ADD", "the line that adds a user"),
    part("Remove a user", "REMOVE", "the line that removes a user"),
  );
}

function renameDialog(api, segment, done) {
  const input = h("input", { type: "text", autocomplete: "off", required: true, value: segment.segment_name });
  const outcome = h("div");
  const submit = h("button", { class: "primary" }, "Rename");
  const form = h(
    "form",
    { onsubmit: send },
    field("New name", input, `1 to ${MAX_ID_CHARACTERS} characters. The ids stay as they are.`),
    outcome,
    h("footer", {}, submit),
  );
  const dialog = openDialog("Rename the segment", form);
  input.select();

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await api.changeSegment(segment.id, { segment_name: input.value });
      dialog.close();
      announce("Renamed");
      done();
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
      submit.disabled = false;
      keepFocus(submit);
    }
  }
}
