// What is sent: the fields of the channel, with a preview beside them as a chosen user would get it.

import { messageOf } from "./labels.js";
import { field, h, problem, setMistake, setText } from "../kit/elements.js";
import { contentOf, FIELDS, MISSING, placed, segmentsOf } from "./draft.js";
import { previewOf } from "./preview.js";
import { testPart } from "./test_message.js";
import { Latest } from "../kit/timers.js";

const REST = 600;
const NOBODY = "Without a user, attributes are empty.";

export function contentStep({ api, catalogue, signal, draft, settings, keep }) {
  const content = (draft.contents[draft.mode] ??= {});
  const controls = new Map();
  const fields = FIELDS[draft.mode].map((spec) => {
    const control = controlOf(spec, settings, content[spec.name] ?? "");
    control.addEventListener("input", () => {
      content[spec.name] = control.value;
      setMistake(control, null);
      keep();
      renew();
    });
    if (control.value && !content[spec.name]) content[spec.name] = control.value;
    controls.set(`content.${spec.name}`, control);
    return field(spec.label, control);
  });
  const reader = h("input", { type: "search", autocomplete: "off", spellcheck: "false", value: draft.reader });
  reader.addEventListener("input", () => {
    draft.reader = reader.value;
    setMistake(reader, null);
    keep();
    renew();
  });
  controls.set("identity", reader);
  const shown = previewOf(draft.mode);
  const test = testPart({ api, signal, mode: draft.mode, settings, bodyOf });
  const told = h("p", { class: "hint", role: "status" });
  const trouble = h("div");
  let complained = null;
  const latest = new Latest(ask, tell, signal, REST);
  const aside = h(
    "aside",
    { class: "panel preview", "aria-label": "Preview" },
    h("h2", {}, "Preview"),
    field("As this user gets it. Identity (optional)", reader),
    trouble,
    told,
    shown.element,
    test,
  );
  setTimeout(renew);
  return {
    element: h(
      "div",
      { class: "beside even" },
      h("div", {}, h("h2", {}, `${messageOf(draft.mode)} to each user`), fields, help()),
      aside,
    ),
    controls,
  };

  function renew() {
    const missing = MISSING.content(draft);
    if (missing) {
      latest.forget();
      aside.classList.remove("stale");
      trouble.replaceChildren();
      shown.element.hidden = true;
      test.hidden = true;
      setText(told, "It is shown here as soon as what is needed is filled in.");
      return;
    }
    aside.classList.add("stale");
    setText(told, "Writing it …");
    latest.about(bodyOf());
  }

  /** What the API is asked to fill in, and for whom. */
  function bodyOf() {
    const written = contentOf(draft);
    const usesEvent = Object.values(written).some((text) => /\bevent\b/.test(text));
    const body = { target_mode: draft.mode, content: written };
    if (draft.reader.trim()) body.identity = draft.reader.trim();
    if (usesEvent) body.event = sampleEvent();
    return body;
  }

  function ask(body, asking) {
    return api.ask("/1/targets/preview.json", body, { signal: asking, tries: 2 });
  }

  function tell(answer, error) {
    aside.classList.remove("stale");
    if (error) {
      setText(told, draft.reader.trim() ? "" : NOBODY);
      shown.element.hidden = true;
      test.hidden = true;
      const refusal = error.status && placed(error.message);
      const control = refusal && controls.get(refusal.path);
      complainAt(control, refusal?.text);
      trouble.replaceChildren(
        control ? h("p", { class: "hint" }, "It can't be shown: see the field.") : problem(error.message, renew),
      );
      return;
    }
    complainAt(null);
    trouble.replaceChildren();
    setText(told, draft.reader.trim() ? "" : NOBODY);
    shown.element.hidden = false;
    test.hidden = false;
    shown.show({ ...sender(), ...answer.preview });
  }

  /** Say at a control why nothing can be shown; what was said at another before is over. */
  function complainAt(control, text) {
    if (complained) setMistake(complained, null);
    complained = control;
    if (control) setMistake(control, text);
  }

  function sender() {
    return draft.mode === "email" ? { sender: content.sender || settings.senders[0].email } : {};
  }

  /** An event as the campaign may get it, for templates that speak of one. */
  function sampleEvent() {
    const id = draft.when.segment ?? segmentsOf(draft, "include")[0];
    const segment = catalogue.segments.get(id);
    const detail = {
      Version: 1,
      Action: draft.when.action,
      "Segment Name": segment?.segment_name ?? "A segment",
      "Segment ID": segment?.id ?? 0,
      Customer_Segment_ID: segment?.customer_segment_id ?? null,
      "Account ID": api.account,
      Identity: draft.reader.trim() || null,
      "Profile ID": "5f2d6c1e9b7a4c38a1e0d4f6b8c2937a",
      "Event ID": "c81e728d9d4c2f636f067f89cc148621-1763901234567890",
      Sequence: "0000000000000000000100000000000000000009",
      "Occurred At": new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    };
    for (const [name, value] of Object.entries(detail)) {
      if (name.includes(" ")) detail[name.replaceAll(" ", "_")] = typeof value === "number" ? String(value) : value;
    }
    return detail;
  }
}

function controlOf({ name, kind, rows, required }, settings, value) {
  if (kind === "text") {
    const area = h("textarea", { rows, required, dir: "auto", spellcheck: name === "body" ? "true" : null });
    area.value = value;
    return area;
  }
  if (kind === "sender" || kind === "webhook") {
    const choice = h("select", { required }, kind === "sender" ? senders(settings) : webhooks(settings));
    choice.value = value;
    if (choice.selectedIndex < 0) choice.selectedIndex = [...choice.options].findIndex((option) => !option.disabled);
    return choice;
  }
  return h("input", { type: kind ?? "text", autocomplete: "off", required, dir: "auto", value });
}

function senders({ senders: declared }) {
  return declared.map(({ email, verified }) =>
    h("option", { value: email, disabled: !verified }, verified ? email : `${email} (not verified yet)`),
  );
}

function webhooks({ webhooks: declared }) {
  return declared.map(({ name, url }) => h("option", { value: name }, `${name}: ${url}`));
}

function help() {
  const samples = [
    ['{{ profile.Name | default: "there" }}', "an attribute of the user, and what stands for it where there is none"],
    ["{{ profile.identity }}", "your own id of the user"],
    ["{{ campaign.name }}", "the name of this campaign"],
    ['{{ event["Segment Name"] }}', "of the change, in a campaign that acts on one"],
    ["{% if profile.City %} … {% endif %}", "a part for some users only"],
    ["{{ unsubscribe_url }}", "the address of the link to unsubscribe, in a mail's body and text"],
  ];
  return h(
    "details",
    { class: "help" },
    h("summary", {}, "What differs from user to user"),
    h("p", { class: "hint" }, "Each field is a template in the language Liquid."),
    h(
      "dl",
      {},
      samples.map(([code, what]) => h("div", {}, h("dt", {}, h("code", {}, code)), h("dd", {}, what))),
    ),
  );
}
