// How many users the audience of a draft has that its channel reaches, asked for anew whenever it rests.

import { MODES } from "./labels.js";
import { h, setText } from "../kit/elements.js";
import { estimateOf } from "./draft.js";
import { counted, number } from "../kit/formats.js";
import { Latest } from "../kit/timers.js";

/** Call `renew` whenever the draft may have become another. */
export function estimatePart({ api, signal, draft }) {
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
  let count = null;
  const latest = new Latest(ask, tell, signal);
  return { element, renew };

  function renew(isAgain = false) {
    const body = estimateOf(draft);
    const text = JSON.stringify(body);
    if (text === asked && !isAgain) {
      if (count !== null && !element.classList.contains("stale")) explain();
      return;
    }
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
    count = null;
    setText(figure, "–");
    setText(told, "Include a segment to see how many it reaches.");
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
      count = null;
      return;
    }
    count = answer.estimates[draft.mode];
    setText(figure, number(count));
    explain();
  }

  function explain() {
    const limit = Number(draft.limit);
    const most = limit && limit < count ? `It goes to at most ${counted(limit, "user")} of them. ` : "";
    setText(told, `${most}Exact up to 20,000 members; beyond that, worked out from a part of them.`);
  }
}
