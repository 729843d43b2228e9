// "+ Campaign": five steps, each with an address of its own; what is filled in stays in the tab until it is created.

import { channelStep } from "./step_channel.js";
import { confirmStep } from "./step_review.js";
import { contentStep } from "./step_content.js";
import { confirmDialog } from "../kit/dialogs.js";
import { announce, h, problem, setMistake } from "../kit/elements.js";
import { currentDraft, isBlank, MISSING, newDraft, rulesOf, stepOf } from "./draft.js";
import { whenFree } from "./replace_draft.js";
import { SegmentNames } from "../segments/names.js";
import { saveDraft } from "../kit/session.js";
import { knownSettings, lacking, readSettings } from "./settings.js";
import { whenStep } from "./step_schedule.js";
import { whoStep } from "./step_audience.js";

const STEPS = [
  { name: "channel", label: "Channel", make: channelStep },
  { name: "who", label: "Who", make: whoStep },
  { name: "content", label: "Content", make: contentStep },
  { name: "when", label: "When", make: whenStep },
  { name: "confirm", label: "Confirm", make: confirmStep },
];

const addressOf = (step) => `#/campaigns/new/${step.name}`;

/**
 * The view of one step; who asks for a step before those that come first are done gets the first of them. An address with
 * segments begins a campaign for these.
 */
export function newCampaignView(context, wanted = "channel") {
  begin(context);
  const draft = currentDraft();
  const asked = Math.max(
    0,
    STEPS.findIndex(({ name }) => name === wanted),
  );
  const open = STEPS.findIndex(({ name }) => MISSING[name](draft));
  const index = open < 0 ? asked : Math.min(asked, open);
  const step = STEPS[index];
  const { editing } = draft;
  const heading = editing ? "Edit campaign" : "New campaign";
  const body = h(
    "div",
    {},
    h(
      "div",
      { class: "skeleton", "aria-hidden": "true" },
      Array.from({ length: 4 }, () => h("div")),
    ),
  );
  const view = h(
    "section",
    { class: "flow" },
    h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/campaigns" }, "All campaigns")),
    h(
      "div",
      { class: "title" },
      h("h1", { tabindex: "-1" }, heading, h("span", { class: "unseen" }, `: ${step.label}`)),
      h("button", { type: "button", class: "small", onclick: askToStartOver }, editing ? "Discard the changes" : "Start over"),
    ),
    stepper(index, open < 0 ? STEPS.length - 1 : open),
    body,
  );
  const known = knownSettings(context.api);
  if (known) fill(known);
  else load();
  return { element: view, title: `${heading}: ${step.label}` };

  async function load() {
    try {
      fill(await readSettings(context.api, context.signal));
    } catch (error) {
      if (error.name !== "AbortError") body.replaceChildren(problem(error.message, load));
    }
  }

  function fill(settings) {
    const keep = () => saveDraft(draft);
    if (draft.mode && lacking(draft.mode, settings)) {
      draft.mode = ""; // what it needs is not declared any more
      keep();
      if (index > 0) {
        setTimeout(context.renew); // once this view is shown
        return;
      }
    }
    const names = new SegmentNames(context);
    const outcome = h("div");
    const marked = new Set(); // where something was said, also where the field has another control by now
    const made = step.make({ ...context, draft, settings, names, keep, leave, outcome });
    const back = index > 0 && h("a", { class: "button", href: addressOf(STEPS[index - 1]) }, "Back");
    const next = made.submit ?? h("button", { class: "primary" }, "Next");
    const form = h(
      "form",
      { novalidate: true, onsubmit: send },
      made.element,
      outcome,
      h("footer", { class: "onward" }, back, next),
    );
    body.replaceChildren(form);
    if (draft.refusal && stepOf(draft.refusal.path) === step.name) {
      const { refusal } = draft;
      draft.refusal = null;
      keep();
      setTimeout(() => show(refusal)); // once the step is there and has the focus
    }

    async function send(event) {
      event.preventDefault();
      const missing = MISSING[step.name](draft) ?? (await made.check?.()) ?? null;
      clear();
      if (missing) show(missing);
      else if (made.send) made.send();
      else context.go(addressOf(STEPS[index + 1]));
    }

    function clear() {
      outcome.replaceChildren();
      for (const control of [...made.controls.values(), ...marked]) setMistake(control, null);
      marked.clear();
    }

    /** Say it at the control that the path names, or that is nearest to it. */
    function show({ path: named, text }) {
      let nearest = named;
      while (nearest && !made.controls.has(nearest)) nearest = nearest.replace(/[.[]?[^.[]*$/, "");
      const control = made.controls.get(nearest) ?? null;
      if (control) {
        marked.add(control);
        setMistake(control, nearest === named ? text : `${named}: ${text}`);
        if (control.matches("input, select, textarea")) control.focus();
        else {
          (control.querySelector("input") ?? control).focus();
          announce(text); // what is said of a group is not read with the control in it
        }
      } else outcome.replaceChildren(problem(`${named}: ${text}`));
    }
  }

  /** Go to the step in which what the API refused is filled in. */
  function leave(refusal) {
    draft.refusal = refusal;
    saveDraft(draft);
    context.go(addressOf(STEPS.find(({ name }) => name === stepOf(refusal.path))));
  }

  function askToStartOver() {
    if (isBlank(draft)) startOver();
    else if (editing)
      confirmDialog({
        title: "Discard the changes?",
        text: "The campaign stays as it is.",
        label: "Discard the changes",
        keep: "Keep editing",
        act: startOver,
      });
    else
      confirmDialog({
        title: "Start over?",
        text: "All that you have written and chosen for this campaign is discarded.",
        label: "Start over",
        keep: "Keep writing",
        act: startOver,
      });
  }

  function startOver() {
    saveDraft(null);
    Object.assign(draft, newDraft());
    if (editing) context.go(`#/campaigns/${editing.id}`);
    else if (index === 0) context.renew();
    else context.go(addressOf(STEPS[0]));
  }
}

/** Begin with the segments of the address, where one is not being written already; else ask which of the two to go on with. */
function begin({ query, renew }) {
  const rules = rulesOf(query);
  if (!rules.length) return;
  history.replaceState(null, "", addressOf(STEPS[0]));
  let isShown = false;
  whenFree(
    () => {},
    () => {
      saveDraft({ ...newDraft(), rules });
      if (isShown) renew();
    },
  );
  isShown = true;
}

function stepper(index, reachable) {
  const part = (step, number) => {
    const text = [h("span", { class: "ordinal", "aria-hidden": "true" }, String(number + 1)), step.label];
    if (number === index) return h("span", { "aria-current": "step" }, text);
    return number <= reachable ? h("a", { href: addressOf(step) }, text) : h("span", { class: "ahead" }, text);
  };
  return h(
    "nav",
    { class: "steps", "aria-label": "Steps" },
    h(
      "ol",
      {},
      STEPS.map((step, number) => h("li", {}, part(step, number))),
    ),
  );
}
