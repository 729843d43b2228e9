// One import: how far it is, what it would change or has changed, and what can be done about it.

import { copyButton } from "../kit/copying.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, fact, foreign, h, keepFocus, problem, setAttribute, setText } from "../kit/elements.js";
import { counted, moment, number } from "../kit/formats.js";
import { IMPORT_UNDO_DAYS } from "../kit/limits.js";
import { ONE_THING_INTERVAL, Refresher } from "../kit/timers.js";
import { fileDialog, importDialog, refusal } from "./new.js";
import { sized } from "./file_fields.js";
import {
  isAtWork,
  isIdle,
  limitHit,
  limitsOf,
  modeLabel,
  previewSentence,
  readingSentence,
  resultSentence,
  stateLabel,
  toneOf,
  undoSentence,
} from "./words.js";

const AT_WORK_INTERVAL = 1_000;
const RESTING_INTERVAL = 60_000; // the link to rejected rows holds for an hour
const DAY = 24 * 3_600_000;
const FIGURES = {
  preview: [
    ["rows", "Rows"],
    ["to_add", "To add"],
    ["to_create", "New users"],
    ["to_remove", "To remove"],
    ["unchanged", "Unchanged"],
    ["rejected", "Rejected"],
    ["duplicate", "Repeated"],
    ["skipped", "Left out"],
  ],
  result: [
    ["added", "Added"],
    ["created", "New users"],
    ["removed", "Removed"],
    ["superseded", "Left alone"],
  ],
  undo: [
    ["removed", "Removed again"],
    ["added", "Added again"],
    ["left_alone", "Left alone"],
  ],
};

export function importView({ api, uploads, catalogue, id, signal, go }) {
  const path = `/api/imports/${id}`;
  const view = h(
    "section",
    { class: "import" },
    h("h1", { tabindex: "-1" }, "Import"),
    h("p", { class: "fresh" }, "Loading …"),
  );
  let parts = null;
  let upload = null;
  const refresher = new Refresher(read, signal, ONE_THING_INTERVAL);
  refresher.now();
  return { element: view, title: "Import" };

  function follow() {
    const present = uploads.of(id);
    if (present === upload) return;
    upload = present;
    upload?.addEventListener("change", onupload, { signal });
  }

  function onupload() {
    if (!parts) return;
    parts.render(parts.shown, upload);
    if (!upload.isSending) refresher.soon();
  }

  async function read() {
    follow();
    try {
      const shown = await api.get(path, {}, { signal, tries: 2 });
      const segment = parts?.segment ?? (await segmentOf(shown.segment_id));
      if (!parts) {
        const hadFocus = view.contains(document.activeElement);
        parts = importParts({ api, uploads, go, id, segment, first: shown, act, again: () => refresher.now(), follow });
        view.replaceChildren(...parts.elements);
        if (hadFocus) view.querySelector("h1").focus({ preventScroll: true });
      }
      parts.render(shown, upload);
      refresher.interval = isAtWork(shown) ? AT_WORK_INTERVAL : shown.ended_at ? RESTING_INTERVAL : ONE_THING_INTERVAL;
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true;
      if (parts) parts.fail(error);
      else
        view.replaceChildren(
          h("h1", { tabindex: "-1" }, "Import"),
          error.status === 404
            ? problem(`There is no import ${id} in this account. They are kept for 90 days.`)
            : problem(error.message, () => refresher.now()),
          h("p", {}, h("a", { href: "#/imports" }, "All imports")),
        );
      return error.status === 404;
    }
  }

  async function segmentOf(segmentId) {
    const known = catalogue.segments.get(segmentId);
    if (known) return known;
    try {
      return await api.get(`/api/segments/${segmentId}`, {}, { signal, tries: 2 });
    } catch (error) {
      if (error.status === 404) return { id: segmentId, segment_name: `segment ${segmentId}`, status: "deleted" };
      throw error;
    }
  }

  /** Ask for a step; what the API answers is shown at once. */
  async function act(what) {
    const shown = await api.change("POST", `${path}/${what}`);
    parts.render(shown, upload);
    refresher.interval = AT_WORK_INTERVAL;
    refresher.soon();
    return shown;
  }
}

function importParts({ api, uploads, go, id, segment, first, act, again, follow }) {
  const badge = h("span", { class: "badge" });
  const trouble = h("div");
  const lead = h("p", { class: "lead", role: "status" });
  const bar = h("progress", { max: "1", "aria-label": "Progress" });
  const told = h("p", { class: "told" });
  const moving = h("div", {}, bar, told);
  const actions = h("div", { class: "actions" });
  const outcome = h("div");
  const figures = h("div");
  const rejected = h("a", { class: "button", download: "" });
  const rejectedPart = h("p", { class: "rejected" }, rejected);
  const times = h("dl", { class: "facts" });
  const heading = h(
    "h1",
    { tabindex: "-1" },
    "Import into ",
    h("a", { href: `#/segments/${segment.id}` }, foreign(segment.segment_name)),
  );
  let offered = "";
  const parts = {
    segment,
    shown: first,
    elements: [
      h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/imports" }, "All imports")),
      h("div", { class: "title" }, heading, badge),
      trouble,
      h("section", { class: "panel", "aria-label": "How far it is" }, lead, moving, outcome, actions),
      figures,
      rejectedPart,
      times,
    ],
    render,
    fail,
  };
  return parts;

  function fail(error) {
    trouble.replaceChildren(problem(`${error.message} What is shown is from before.`, again));
  }

  function render(shown, upload) {
    parts.shown = shown;
    trouble.replaceChildren();
    const sending = shown.status === "awaiting_upload" ? upload : null;
    const said = sending?.isSending ? "being uploaded" : stateLabel(shown.status);
    if (setText(badge, said)) badge.className = `badge ${toneOf(shown.status)}`;
    setText(lead, sentence(shown, sending));
    showProgress(shown, sending);
    offer(shown, sending);
    showFigures(shown);
    rejectedPart.hidden = !shown.rejected_rows;
    if (shown.rejected_rows) {
      setAttribute(rejected, "href", shown.rejected_rows);
      setText(rejected, `Download ${counted(shown.preview.rejected, "rejected row")}`);
    }
    showTimes(shown);
  }

  function showProgress(shown, sending) {
    moving.hidden = !(sending?.isSending || isAtWork(shown));
    if (moving.hidden) return;
    const [done, whole, text] = progressOf(shown, sending);
    if (whole) bar.value = Math.min(1, done / whole);
    else bar.removeAttribute("value");
    setText(told, text);
  }

  /** What can be done now; made anew only where it differs, so that a button keeps its focus. */
  function offer(shown, sending) {
    const key = [shown.status, Boolean(sending?.isSending), sending?.failure?.message ?? "", canUndo(shown)].join(" ");
    if (key === offered) return;
    const hadFocus = actions.contains(document.activeElement);
    if (offered.split(" ")[0] !== shown.status || sending) outcome.replaceChildren();
    offered = key;
    actions.replaceChildren(...buttons(shown, sending));
    if (hadFocus) (actions.querySelector("button") ?? heading).focus({ preventScroll: true });
  }

  function buttons(shown, sending) {
    const cancel = button("Cancel the import", () => {
      sending?.stop();
      return act("cancel");
    });
    if (shown.status === "awaiting_upload") {
      if (sending?.isSending) return [cancel];
      if (sending?.failure) {
        outcome.replaceChildren(refusal(sending.failure.message));
        return [button("Try again", () => sending.send(), "primary"), cancel];
      }
      return [
        button("Choose the file", () => chooseFile(shown), "primary"),
        button("It is uploaded already: read it", () => act("start")),
        cancel,
      ];
    }
    if (shown.status === "reading" || shown.status === "applying") return [cancel];
    if (shown.status === "previewed")
      return [button(applyLabel(shown), () => act("apply"), "primary"), cancel];
    if (shown.status === "refused") return segment.status === "active" ? [anew(shown, "Try again with other limits")] : [];
    if (shown.status === "failed" && !shown.result && segment.status === "active")
      return [anew(shown, "Import another file")];
    if (canUndo(shown)) return [button("Undo the import", () => undoDialog(shown), "danger"), undoUntil(shown)];
    return [];
  }

  function button(label, work, kind = null) {
    const made = h("button", { type: "button", class: kind }, label);
    made.addEventListener("click", async () => {
      made.disabled = true;
      outcome.replaceChildren();
      try {
        await work();
      } catch (error) {
        outcome.replaceChildren(refusal(error.message));
      }
      made.disabled = false;
      keepFocus(made.isConnected ? made : heading);
    });
    return made;
  }

  async function chooseFile(shown) {
    fileDialog({
      uploads: {
        begin: (...given) => {
          uploads.begin(...given);
          follow();
          again();
        },
      },
      waiting: shown,
    });
  }

  function anew(shown, label) {
    return button(label, async () => {
      const before = uploads.of(id);
      const file = before && new File([before.content], before.name);
      importDialog({ api, uploads, go, segment, file, as: shown, hit: limitHit(shown.reason) });
    }, "primary");
  }

  function undoDialog(shown) {
    const { added, removed } = shown.result;
    const error = h("div");
    const submit = h("button", { class: "danger" }, "Undo the import");
    const changes = [
      added && `${counted(added, "user who was", "users who were")} added will be removed`,
      removed && `${counted(removed, "user who was", "users who were")} removed will be added again`,
    ].filter(Boolean);
    const form = h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          submit.disabled = true;
          try {
            await act("undo");
            dialog.close();
            announce("The import is being undone");
          } catch (failure) {
            error.replaceChildren(refusal(failure.message));
            submit.disabled = false;
            keepFocus(submit);
          }
        },
      },
      h("p", {}, `${changes.join("; ")}. Whoever was changed since stays as they are, and new users stay as users.`),
      error,
      h("footer", {}, submit),
    );
    const dialog = openDialog("Undo the import", form);
    submit.focus();
  }

  function showFigures(shown) {
    const tables = ["undo", "result", "preview"].filter((name) => shown[name] && !isEmptyYet(shown, name));
    const text = JSON.stringify(tables.map((name) => shown[name]));
    if (figures.dataset.shown === text) return;
    figures.dataset.shown = text;
    const titles = { preview: "The file", result: "What was changed", undo: "What was undone" };
    figures.replaceChildren(
      ...tables.map((name) =>
        h(
          "section",
          { "aria-label": titles[name] },
          h("h2", {}, titles[name]),
          h(
            "dl",
            { class: "totals" },
            FIGURES[name].map(([key, label]) =>
              h("div", {}, h("dt", {}, label), h("dd", {}, number(shown[name][key]))),
            ),
          ),
        ),
      ),
    );
  }

  function showTimes(shown) {
    const text = [shown.started_at, shown.ended_at].join();
    if (times.dataset.shown === text) return;
    times.dataset.shown = text;
    times.replaceChildren(
      ...(shown.file_name ? [fact("File", foreign(shown.file_name))] : []),
      fact("What it does", modeLabel(shown.mode)),
      ...(shown.mode === "remove"
        ? []
        : [fact("Users who do not exist", shown.unknown_users === "create" ? "are created" : "are left out")]),
      fact("Limits", limitsOf(shown)),
      fact("Created", moment(shown.created_at), ...(shown.created_by ? [" by ", foreign(shown.created_by)] : [])),
      ...(shown.started_at ? [fact("Started", moment(shown.started_at))] : []),
      ...(shown.ended_at ? [fact("Ended", moment(shown.ended_at))] : []),
      fact("Id", h("code", {}, id), copyButton(() => id, "the id")),
    );
  }
}

function isEmptyYet(shown, name) {
  if (name !== "preview") return false;
  return shown.status === "reading" || (["cancelled", "failed"].includes(shown.status) && !shown.preview.rows);
}

function applyLabel({ preview }) {
  if (isIdle(preview)) return "Finish";
  const { to_add: toAdd, to_remove: toRemove } = preview;
  if (toAdd && toRemove) return `Apply: add ${number(toAdd)}, remove ${number(toRemove)}`;
  return toAdd ? `Add ${counted(toAdd, "user")}` : `Remove ${counted(toRemove, "user")}`;
}

function canUndo({ status, result, ended_at: endedAt }) {
  const isOver = ["done", "failed", "cancelled"].includes(status) && result && result.added + result.removed > 0;
  return Boolean(isOver) && Date.now() < Date.parse(endedAt) + IMPORT_UNDO_DAYS * DAY;
}

function undoUntil({ ended_at: endedAt }) {
  const until = new Date(Date.parse(endedAt) + IMPORT_UNDO_DAYS * DAY).toISOString();
  return h("p", { class: "hint" }, `Can be undone until ${moment(until)}`);
}

/** How much of a step is done, of how much (0: not known), and the same in words. */
function progressOf(shown, sending) {
  if (sending) {
    const { sent, content, name } = sending;
    const text = sent < content.size ? `${sized(sent)} of ${sized(content.size)}` : "Waiting for the storage …";
    return [sent, content.size, `${name}: ${text}`];
  }
  const { preview, result, undo, status } = shown;
  if (status === "applying" || status === "cancelling") {
    const done = result.added + result.removed + result.superseded;
    const whole = preview.to_add + preview.to_remove;
    const last = done === whole ? "; the segment's figures are catching up" : "";
    return [done, whole, `${number(done)} of ${counted(whole, "change")}${last}`];
  }
  if (status === "undoing") {
    const done = undo.added + undo.removed;
    const whole = result.added + result.removed;
    return [done, whole, `${number(done)} of ${counted(whole, "change")}`];
  }
  return [0, 0, preview?.rows ? "" : "Waiting until the segment's list is complete …"];
}

/** Why it failed, with where in the file as people say it. */
function inFile(reason) {
  return reason?.replace(/^the file line (\d+): /, "line $1 of the file: ") ?? "nobody noted why";
}

function sentence(shown, sending) {
  const { status, reason } = shown;
  if (status === "awaiting_upload") {
    if (sending?.isSending) return "The file is being uploaded. You can go to other pages; keep this tab open.";
    if (sending?.failure) return "The upload came to a stop. Nothing was changed.";
    return "It waits for its file, and for a day at most. Nothing was changed.";
  }
  if (status === "reading") return readingSentence(shown);
  if (status === "previewed") return previewSentence(shown);
  if (status === "refused") return limitHit(reason)?.text ?? `Refused: ${reason}. Nothing was changed.`;
  if (status === "applying") return "It is being applied. You can close this page.";
  if (status === "done") return resultSentence(shown);
  if (status === "failed")
    return `It failed: ${inFile(reason)}. ${shown.result ? resultSentence(shown) : "Nothing was changed."}`;
  if (status === "cancelling") return "It is being stopped. What was changed by then stays, and can be undone.";
  if (status === "cancelled" && shown.result) return `It was cancelled while it was applied. ${resultSentence(shown)}`;
  if (status === "cancelled")
    return reason ? `It ended, as ${reason}. Nothing was changed.` : "It was cancelled. Nothing was changed.";
  if (status === "undoing") return "It is being undone. You can close this page.";
  return undoSentence(shown);
}
