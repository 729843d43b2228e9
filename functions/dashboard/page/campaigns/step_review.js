// The last step: what will happen, in words, and the button that makes it happen.

import { newKey } from "../kit/api.js";
import { messageOf, modeLabel, modeWord, segmentLinks } from "./labels.js";
import { announce, foreign, h, problem } from "../kit/elements.js";
import { changesOf, contentOf, placed, requestOf, segmentsOf } from "./draft.js";
import { estimatePart } from "./estimate.js";
import { counted } from "../kit/formats.js";
import { saveDraft } from "../kit/session.js";
import { askStart, distanceTo, localTimeOf, twiceWords } from "./start.js";

const SUMMARY = { email: "subject", push: "title", webpush: "title", webhook: "url" };

export function confirmStep({ api, signal, draft, settings, names, keep, leave, go, outcome }) {
  const isOnline = draft.when.kind === "event";
  const include = segmentsOf(draft, "include");
  const exclude = segmentsOf(draft, "exclude");
  const label = draft.editing ? "Save the changes" : "Create the campaign";
  const submit = h("button", { class: "primary" }, label);
  const story = h("div", { class: "story", id: "story" });
  const estimate = isOnline ? null : estimatePart({ api, signal, draft });
  estimate?.renew();
  let start = null;
  names.addEventListener("change", render, { signal });
  render();
  if (draft.when.kind === "time") readStart();
  return {
    element: h(
      "div",
      { class: estimate ? "beside" : null },
      h("div", {}, h("h2", {}, "What will happen"), story, summary()),
      estimate?.element ?? null,
    ),
    controls: new Map(),
    submit,
    send,
  };

  function render() {
    story.replaceChildren(
      h("p", {}, messageOf(draft.mode), " ", isOnline ? onlineWords() : offlineWords()),
      h("p", {}, reachWords(), limitWords()),
      h("p", {}, endWords()),
    );
  }

  async function readStart() {
    try {
      start = await askStart(api, localTimeOf(draft.when), signal);
      render();
    } catch {
      // Without it the story lacks how far off that is; what is wrong with the time is said when it is created.
    }
  }

  function offlineWords() {
    const { kind, date, time } = draft.when;
    const at =
      kind === "now"
        ? ["goes out ", h("strong", {}, "now"), `, as soon as you ${draft.editing ? "save" : "create"} it, `]
        : ["goes out on ", h("strong", {}, `${date} at ${time}`), ` (${settings.time_zone}${start ? `, ${distanceTo(start)}` : ""}), `];
    const twice = start && twiceWords(start);
    return [
      at,
      "to everybody who is then in ",
      segmentLinks(names, include),
      exclusionWords(),
      twice ? `. ${twice}` : ".",
    ].flat();
  }

  function onlineWords() {
    const { action, segment } = draft.when;
    const narrowed = include.length
      ? [", if they are in ", segmentLinks(names, include), exclusionWords(), " at that moment"].flat()
      : [];
    return [
      "goes to each user ",
      h("strong", {}, action === "ADD" ? "who joins " : "who leaves "),
      segmentLinks(names, [segment]),
      narrowed,
      ", from now on until you stop it. Who does so again gets it again.",
    ].flat();
  }

  function exclusionWords() {
    return exclude.length ? [" and not in ", segmentLinks(names, exclude)].flat() : [];
  }

  function reachWords() {
    if (draft.mode === "webhook") return "The webhook is called for each of them, whatever channels reach them. ";
    return `Whom ${modeWord(draft.mode)} does not reach, or who has opted out, is skipped. `;
  }

  function limitWords() {
    return draft.limit === "" ? "" : `It ends after ${counted(Number(draft.limit), "user")}.`;
  }

  function endWords() {
    return isOnline || draft.when.kind === "now"
      ? "You can stop it at any time; messages that went out stay out."
      : "You can stop it before then, and while it runs; messages that went out stay out.";
  }

  function summary() {
    const content = contentOf(draft);
    const main = SUMMARY[draft.mode];
    const row = (label, shown, step) =>
      h(
        "div",
        {},
        h("dt", {}, label),
        h("dd", {}, shown),
        h("dd", {}, h("a", { href: `#/campaigns/new/${step}`, "aria-label": `Change: ${label}` }, "Change")),
      );
    return h(
      "dl",
      { class: "summary" },
      row("Name", foreign(draft.name), "channel"),
      row("Channel", modeLabel(draft.mode), "channel"),
      content.sender ? row("From", foreign(content.sender), "content") : null,
      main
        ? row({ subject: "Subject", title: "Title", url: "Webhook" }[main], foreign(content[main]), "content")
        : null,
      content.body ? row("Body", h("span", { class: "clamped" }, foreign(content.body)), "content") : null,
    );
  }

  async function send() {
    submit.disabled = true;
    submit.textContent = draft.editing ? "Saving …" : "Creating …";
    try {
      if (draft.editing) {
        await api.editCampaign(changesOf(draft));
        saveDraft(null);
        announce("Saved");
        go(`#/campaigns/${draft.editing.id}?edited`);
        return;
      }
      const body = requestOf(draft);
      const text = JSON.stringify(body);
      // Asked again after an answer that was lost, it must not be created twice, and everybody told twice.
      if (draft.sent?.text !== text) draft.sent = { text, key: newKey() };
      keep();
      const { id } = await api.createCampaign(body, draft.sent.key);
      saveDraft(null);
      announce("Created");
      go(`#/campaigns/${id}?created`);
    } catch (error) {
      submit.disabled = false;
      submit.textContent = label;
      const refusal = error.status && placed(error.message);
      if (refusal) leave(refusal);
      else outcome.replaceChildren(problem(told(error, draft.editing)));
    }
  }
}

function told(error, editing) {
  const isUnknown = error.status === 0 || error.status >= 500;
  if (isUnknown && editing) return `${error.message} Whether it was saved is not known: look at the campaign.`;
  if (isUnknown) return `${error.message} Whether it was created is not known. Press again: it is not created twice.`;
  return error.message;
}
