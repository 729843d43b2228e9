// How many users the audience of a draft has that its channel reaches, asked for anew whenever it rests.

import { MODES } from "./campaigning.js";
import { h, setText } from "./dom.js";
import { estimateOf } from "./draft.js";
import { counted, number } from "./format.js";
import { Latest } from "./waiting.js";

/** `ontell(count)` is told of each estimate that is shown, null while there is none. */
export function estimatePart({ api, signal, draft, ontell = () => {} }) {
  const { word, channel } = MODES.find(({ mode }) => mode === draft.mode);
  const figure = h("span", { class: "figure" }, "–");
  const what = h("p", {}, channel ? `users whom ${word} reaches now` : "users");
  const told = h("p", { class: "hint" });
  const retry = h("button", { type: "button", class: "small", hidden: true, onclick: () => renew(true) }, "Try again");
  const element = h(
    "aside",
    { class: "panel estimate", "aria-label": "Estimate" },
    h("h2", {}, "Estimate"),
    h("div", { role: "status" }, figure, what, told),
    retry,
  );
  let asked = null;
  const latest = new Latest(ask, tell, signal);
  return { element, renew };

  function renew(isAgain = false) {
    const body = estimateOf(draft);
    const text = JSON.stringify(body);
    if (text === asked && !isAgain) return;
    asked = text;
    retry.hidden = true;
    if (body) {
      element.classList.add("stale");
      setText(told, "Counting …");
      latest.about(body);
      return;
    }
    latest.forget();
    element.classList.remove("stale");
    setText(figure, "–");
    setText(told, "Include a segment to see how many it reaches.");
    ontell(null);
  }

  function ask(body, asking) {
    return api.ask("/1/targets/create.json", body, { signal: asking });
  }

  function tell(answer, error) {
    element.classList.remove("stale");
    retry.hidden = !error;
    if (error) {
      setText(figure, "–");
      setText(told, error.message);
      ontell(null);
      return;
    }
    const count = answer.estimates[draft.mode];
    setText(figure, number(count));
    const limit = Number(draft.limit);
    const most = limit && limit < count ? `It goes to at most ${counted(limit, "user")} of them. ` : "";
    setText(told, `${most}Exact up to 20,000 members; beyond that, worked out from a part of them.`);
    ontell(count);
  }
}
