// Who gets it: rules that include or exclude segments, with an estimate beside them that follows each click.

import { field, foreign, h, reconcile, setText } from "../kit/elements.js";
import { number } from "../kit/formats.js";
import { MAX_CAMPAIGN_SEGMENTS, MAX_USERS_LIMIT } from "../kit/limits.js";
import { segmentsOf } from "./draft.js";
import { estimatePart } from "./estimate.js";
import { segmentPicker } from "../segments/picker.js";

const KINDS = [
  ["include", "Include", "who is in any of these segments"],
  ["exclude", "Exclude", "who is in any of these segments, whatever else they are in"],
];
let counter = 0;

export function whoStep({ api, catalogue, signal, draft, names, keep, outcome }) {
  const estimate = estimatePart({ api, signal, draft });
  const rules = h("div", { class: "rules", id: "rules", role: "group", "aria-label": "Rules" });
  const add = h("button", { type: "button", onclick: () => addRule() }, "+ Add rule");
  const none = h(
    "div",
    { class: "empty small" },
    h("p", {}, "There is no rule yet."),
    h(
      "p",
      {},
      "A rule includes or excludes API segments. A campaign that acts on who joins or leaves a segment can do without one.",
    ),
  );
  const limit = h("input", { type: "number", min: "1", max: MAX_USERS_LIMIT, step: "1", value: draft.limit });
  limit.addEventListener("input", () => {
    draft.limit = limit.value;
    keep();
    estimate.renew();
  });
  const parts = draft.rules.map((rule) => rulePart(rule));
  rules.append(...parts.map((part) => part.element));
  renew();
  return {
    element: h(
      "div",
      { class: "beside" },
      h(
        "div",
        {},
        h("h2", {}, "Who gets it"),
        h(
          "p",
          { class: "hint" },
          "Everybody in any included segment gets it, but nobody in an excluded one; each user once.",
        ),
        rules,
        none,
        h("p", {}, add),
        h("div", { class: "short-field" }, field("Send to at most so many users (optional)", limit)),
      ),
      estimate.element,
    ),
    controls: new Map([
      ["segments", rules],
      ["segment", rules],
      ["users_limit_overall", limit],
    ]),
    check: () =>
      limit.validity.valid ? null : { path: "users_limit_overall", text: `A whole number from 1 to ${number(MAX_USERS_LIMIT)}.` },
  };

  function changed() {
    keep();
    outcome.replaceChildren();
    renew();
  }

  function renew() {
    none.hidden = draft.rules.length > 0;
    rules.hidden = draft.rules.length === 0;
    add.disabled = segmentsOf(draft, "include").length + segmentsOf(draft, "exclude").length >= MAX_CAMPAIGN_SEGMENTS;
    estimate.renew();
  }

  function addRule() {
    const kind = draft.rules.some((rule) => rule.kind === "include") ? "exclude" : "include";
    const rule = { kind, ids: [] };
    draft.rules.push(rule);
    const part = rulePart(rule);
    rules.append(part.element);
    changed();
    part.focus();
  }

  function rulePart(rule) {
    counter += 1;
    const group = `kind-${counter}`;
    const kinds = KINDS.map(([kind, label]) => {
      const dot = h("input", { type: "radio", name: group, value: kind, checked: rule.kind === kind });
      dot.addEventListener("change", () => {
        rule.kind = kind;
        part.dataset.kind = kind;
        renderMeaning();
        changed();
      });
      return h("label", {}, dot, label);
    });
    const meaning = h("p", { class: "hint" });
    const chips = h("ul", { class: "chips", "aria-label": "Chosen segments" });
    const picker = segmentPicker({
      catalogue,
      signal,
      label: "Segments",
      chosen: () => rule.ids,
      onchange: (id, isChosen) => {
        rule.ids = isChosen ? [...rule.ids, id] : rule.ids.filter((other) => other !== id);
        renderChips();
        changed();
      },
    });
    const remove = h("button", { type: "button", class: "small", onclick: take }, "Remove the rule");
    const part = h(
      "fieldset",
      { class: "panel rule", "data-kind": rule.kind },
      h("legend", { class: "unseen" }, "Rule: segments"),
      h("div", { class: "above" }, h("div", { class: "choice" }, kinds), remove),
      meaning,
      chips,
      picker.element,
    );
    names.addEventListener("change", renderChips, { signal });
    renderMeaning();
    renderChips();
    return { element: part, focus: () => picker.focus() };

    function renderMeaning() {
      setText(meaning, KINDS.find(([kind]) => kind === rule.kind)[2]);
    }

    function take() {
      draft.rules.splice(draft.rules.indexOf(rule), 1);
      part.remove();
      changed();
      add.focus();
    }

    function renderChips() {
      chips.hidden = rule.ids.length === 0;
      reconcile(
        chips,
        rule.ids,
        (id) => id,
        createChip,
        (chip, id) => {
          setText(chip.querySelector("bdi"), names.of(id));
          chip.querySelector("button").setAttribute("aria-label", `Take ${names.of(id)} away`);
        },
      );
    }

    function createChip(id) {
      const drop = h("button", { type: "button", class: "quit" }, "×");
      drop.addEventListener("click", () => {
        rule.ids = rule.ids.filter((other) => other !== id);
        renderChips();
        picker.render();
        changed();
        picker.focus();
      });
      return h("li", { class: "clamped" }, foreign(""), drop);
    }
  }
}
