// When it goes out: at once, at a time of the account's time zone, or whenever someone joins or leaves a segment.

import { field, foreign, h, setText } from "../kit/elements.js";
import { shownIn } from "../kit/formats.js";
import { MAX_DAYS_AHEAD } from "../kit/limits.js";
import { Latest } from "../kit/timers.js";
import { segmentPicker } from "../segments/picker.js";
import { askStart, daysLater, distanceTo, localTimeOf, ownWords, startRefusal, twiceWords } from "./start.js";

const KINDS = [
  ["now", "Now", "It starts at once."],
  ["time", "At a time", "It starts once, then."],
  [
    "event",
    "When someone joins or leaves a segment",
    "One message for each change, from its creation until it is stopped.",
  ],
];

export function whenStep({ api, catalogue, signal, draft, settings, keep }) {
  const { when } = draft;
  const accounts = settings.time_zone;
  const today = shownIn(accounts, new Date());
  const date = h("input", {
    type: "date",
    min: today.date,
    max: daysLater(today.date, MAX_DAYS_AHEAD),
    value: when.date,
  });
  const time = h("input", { type: "time", value: when.time });
  const told = h("p", { class: "hint", role: "status" });
  const timePart = h(
    "div",
    { class: "detail" },
    h("div", { class: "filters" }, field("Day", date), field(`Time in ${accounts}`, time)),
    told,
  );
  const actions = [
    ["ADD", "joins"],
    ["REMOVE", "leaves"],
  ].map(([action, label]) => {
    const dot = h("input", { type: "radio", name: "action", value: action, checked: when.action === action });
    dot.addEventListener("change", () => change({ action }));
    return h("label", {}, dot, label);
  });
  const chosen = h("p", { class: "chosen" });
  const picker = segmentPicker({
    catalogue,
    signal,
    label: "Segment that is joined or left",
    single: true,
    chosen: () => [when.segment],
    onchange: (segment) => change({ segment }),
  });
  const eventPart = h(
    "div",
    { class: "detail" },
    h("fieldset", { class: "choice" }, h("legend", {}, "When someone"), actions),
    chosen,
    picker.element,
  );
  const latest = new Latest((localTime, asking) => askStart(api, localTime, asking), tellStart, signal);
  let asked = null;
  const details = { time: timePart, event: eventPart };
  const dots = new Map();
  const kinds = KINDS.filter(([kind]) => !(draft.editing && kind === "event"));
  const cards = kinds.map(([kind, label, what]) => {
    const dot = h("input", {
      type: "radio",
      name: "when",
      value: kind,
      checked: when.kind === kind,
      "aria-describedby": `when-${kind}`,
    });
    dot.addEventListener("change", () => change({ kind }));
    dots.set(kind, dot);
    const card = h("label", { class: "card" }, dot, h("span", {}, label, h("small", { id: `when-${kind}` }, what)));
    return h("div", {}, card, details[kind]);
  });
  const options = h("div", { class: "choices tall", id: "when" }, cards);
  date.addEventListener("input", () => change({ date: date.value }));
  time.addEventListener("input", () => change({ time: time.value }));
  catalogue.addEventListener("change", render, { signal });
  render();
  const controls = new Map();
  return {
    element: h("fieldset", { class: "cards-choice" }, h("legend", {}, "When it goes out"), options),
    get controls() {
      // What the API says of `when` belongs to the part that is chosen.
      const control = { now: options, time: time, event: picker.control }[when.kind];
      return controls.set("when", control);
    },
    check,
  };

  /** Say what the API has against the time; what can't be asked now, it says when the campaign is created. */
  async function check() {
    if (when.kind !== "time" || localTimeOf(when) === draft.editing?.when) return null;
    try {
      await askStart(api, localTimeOf(when), signal);
    } catch (error) {
      if (error.status === 400) return { path: "when", text: startRefusal(error) };
    }
    return null;
  }

  function change(part) {
    Object.assign(when, part);
    keep();
    render();
  }

  function render() {
    timePart.hidden = when.kind !== "time";
    eventPart.hidden = when.kind !== "event";
    if (when.kind === "time" && when.date && when.time) askWhatItMeans();
    else setText(told, `It is ${today.time} there now.`);
    const segment = catalogue.segments.get(when.segment);
    chosen.replaceChildren(
      ...(segment ? [`Someone ${when.action === "ADD" ? "joins" : "leaves"} `, foreign(segment.segment_name)] : []),
    );
    chosen.hidden = !segment;
  }

  function askWhatItMeans() {
    const localTime = localTimeOf(when);
    if (localTime === asked) return;
    asked = localTime;
    setText(told, "");
    latest.about(localTime);
  }

  function tellStart(start, error) {
    if (error) {
      asked = null; // so that it is asked again
      setText(told, error.status === 400 ? startRefusal(error) : error.message);
      return;
    }
    const own = ownWords(start);
    setText(told, [`That is ${distanceTo(start)}${own ? `: ${own}` : ""}.`, twiceWords(start)].filter(Boolean).join(" "));
  }
}
