// The first step: a name, and the channel.

import { MODES } from "./labels.js";
import { field, h } from "../kit/elements.js";
import { MAX_ID_CHARACTERS } from "../kit/limits.js";
import { lacking } from "./settings.js";

export function channelStep({ draft, settings, keep }) {
  const name = h("input", { type: "text", autocomplete: "off", maxlength: MAX_ID_CHARACTERS, value: draft.name });
  name.addEventListener("input", () => {
    draft.name = name.value;
    keep();
  });
  const cards = MODES.map(({ mode, label, what }) => {
    const isAnother = draft.editing && mode !== draft.mode;
    const why = isAnother
      ? "A campaign keeps its channel: duplicate it for another."
      : lacking(mode, settings) && `${lacking(mode, settings)} Whoever runs the stack can do so.`;
    const id = `mode-${mode}`;
    const dot = h("input", {
      type: "radio",
      name: "mode",
      value: mode,
      checked: draft.mode === mode,
      disabled: Boolean(why),
      "aria-describedby": id,
    });
    dot.addEventListener("change", () => {
      draft.mode = mode;
      keep();
    });
    return h(
      "label",
      { class: why ? "card off" : "card" },
      dot,
      h("span", {}, label, h("small", { id }, why || what)),
    );
  });
  const options = h("div", { class: "choices", id: "modes" }, cards);
  const choice = h("fieldset", { class: "cards-choice" }, h("legend", {}, "Channel"), options);
  return {
    element: h(
      "div",
      {},
      field("Name of the campaign", name, `1 to ${MAX_ID_CHARACTERS} characters. Only you see it, and templates as campaign.name.`),
      choice,
    ),
    controls: new Map([
      ["name", name],
      ["target_mode", options],
    ]),
  };
}
