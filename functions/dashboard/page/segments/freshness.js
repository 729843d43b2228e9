// How far lists and counts are behind what the API has acknowledged, as it measures that itself.

import { h, setText } from "../kit/elements.js";
import { clock, seconds } from "../kit/formats.js";
import { LIST_INTERVAL, Refresher } from "../kit/timers.js";

const USUAL_SECONDS = 2; // docs/api.md: lists and counts follow within about two seconds
const RECENT = 60_000; // what was measured longer ago was followed by no change

/** Asks now and then until `signal`; `onchange` is told when it may read otherwise. */
export function freshnessLine({ api, signal, onchange = () => {} }) {
  const element = h("p", { class: "fresh behind", hidden: true });
  let known = null;
  const line = {
    element,
    /** By how many seconds lists and counts are behind now, if that is more than usual; else null. */
    get behind() {
      if (!known?.measured_at || Date.now() - Date.parse(known.measured_at) > RECENT) return null;
      return known.behind_seconds >= USUAL_SECONDS ? known.behind_seconds : null;
    },
  };
  new Refresher(ask, signal, LIST_INTERVAL).now();
  return line;

  async function ask() {
    try {
      known = await api.get("/api/freshness", {}, { signal, tries: 1 });
    } catch (error) {
      if (error.name === "AbortError") return true;
      known = null; // the view itself says that the API fails
    }
    element.hidden = known === null;
    if (known) {
      element.classList.toggle("late", line.behind !== null);
      setText(element, told(known, line.behind));
    }
    onchange();
    return known !== null;
  }
}

function told({ measured_at: at, behind_seconds: last, worst_last_hour_seconds: worst }, behind) {
  if (at === null) return "Lists and counts are up to date: nothing has changed within the last hour.";
  const atWorst = `at worst ${seconds(worst)} in the last hour`;
  if (behind !== null) return `Lists and counts are catching up, ${seconds(behind)} behind; ${atWorst}.`;
  return `Lists and counts were ${seconds(last)} behind at the last change, ${clock(new Date(at))}; ${atWorst}.`;
}
