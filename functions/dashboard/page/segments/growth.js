// How a segment grew: members day by day, who joined and who left, as a picture and as a table.

import { h, problem, svg } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";
import { Refresher } from "../kit/timers.js";

const INTERVAL = 60_000;
const [WIDTH, LINE, GAP, BARS, LABELS] = [720, 150, 14, 60, 30]; // of the picture: the line, and the bars below it
const TOP = 28;

/** Reads the days of a segment now and then until `signal`. */
export function growthPart({ api, id, signal }) {
  const content = h("div", {}, h("p", { class: "fresh" }, "Loading …"));
  let shown = null;
  new Refresher(read, signal, INTERVAL).now();
  return h("section", { class: "panel growth", "aria-labelledby": "growth" }, h("h2", { id: "growth" }, "Growth"), content);

  async function read() {
    try {
      const { days } = await api.get(`/api/segments/${id}/history`, {}, { signal });
      const now = JSON.stringify(days.map(({ to: _, ...rest }) => rest));
      if (now !== shown) {
        const isOpen = content.querySelector("details")?.open ?? false;
        content.replaceChildren(...parts(days, isOpen));
      }
      shown = now;
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true;
      if (shown === null) content.replaceChildren(problem(error.message, read));
      return false;
    }
  }
}

function parts(days, isOpen) {
  if (!days.length) return [h("p", { class: "none" }, "There are no days to show.")];
  const known = days.filter(({ members }) => members !== null);
  const unknown = days.length - known.length;
  return [
    h("figure", {}, picture(days), h("figcaption", {}, summary(days))),
    unknown ? h("p", { class: "hint" }, `${counted(unknown, "day")} without figures: nobody noted them.`) : null,
    h(
      "details",
      { open: isOpen },
      h("summary", {}, "The same in numbers"),
      h("div", { class: "scroller short", tabindex: "0", role: "region", "aria-label": "Days" }, table(days)),
    ),
  ].filter(Boolean);
}

const total = (days, name) => days.reduce((sum, day) => sum + (day[name] ?? 0), 0);

function summary(days) {
  const joined = total(days, "joined");
  const left = total(days, "left");
  const since = days.length === 1 ? "Today so far" : `In ${counted(days.length, "day")} up to today`;
  return `${since} (UTC): ${number(joined)} joined, ${number(left)} left. Above: members at the end of each day; below: who joined (up) and left (down).`;
}

function picture(days) {
  const step = WIDTH / days.length;
  const highest = Math.max(1, ...days.map(({ members }) => members ?? 0));
  const moves = Math.max(1, ...days.flatMap(({ joined, left }) => [joined ?? 0, left ?? 0]));
  const middle = (index) => step * (index + 0.5);
  const height = (members) => TOP + LINE - (LINE * members) / highest;
  const zero = TOP + LINE + GAP + BARS / 2;
  const runs = [[]]; // days side by side whose members are known: a line does not pass over a gap
  days.forEach(({ members }, index) => {
    if (members === null) runs.push([]);
    else runs.at(-1).push([middle(index), height(members)]);
  });
  const lines = runs
    .filter((run) => run.length)
    .map((run) =>
      run.length === 1
        ? svg("circle", { class: "now", cx: run[0][0], cy: run[0][1], r: 3 })
        : svg("polyline", { class: "members", points: run.map((point) => point.join(",")).join(" ") }),
    );
  const bar = (index, value, isUp) => {
    const size = value ? Math.max(1.5, (BARS * value) / (2 * moves)) : 0;
    const place = { x: middle(index) - step * 0.35, y: isUp ? zero - size : zero, width: step * 0.7, height: size };
    return svg("rect", { class: isUp ? "joined" : "left", ...place });
  };
  const bars = days.flatMap(({ joined, left }, index) => [bar(index, joined ?? 0, true), bar(index, left ?? 0, false)]);
  const bottom = TOP + LINE + GAP + BARS + LABELS;
  const [first, last] = [days[0].date, days.at(-1).date];
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${bottom}`, role: "img", "aria-label": `${summary(days)} ${ends(days)}` },
    svg("line", { class: "ground", x1: 0, x2: WIDTH, y1: TOP + LINE + 0.5, y2: TOP + LINE + 0.5 }),
    svg("line", { class: "ground", x1: 0, x2: WIDTH, y1: zero, y2: zero }),
    lines,
    bars,
    svg("text", { class: "value start", x: 0, y: TOP - 4 }, number(highest)),
    svg("text", { class: "start", x: 0, y: bottom - 4 }, first),
    first === last ? null : svg("text", { class: "end", x: WIDTH, y: bottom - 4 }, last),
  );
}

function ends(days) {
  const known = days.filter(({ members }) => members !== null);
  if (!known.length) return "";
  const told = ({ date, members }) => `${counted(members, "member")} on ${date}`;
  return known.length === 1 ? `${told(known[0])}.` : `From ${told(known[0])} to ${told(known.at(-1))}.`;
}

function table(days) {
  const cell = (value) => h("td", { class: "number" }, value === null ? "–" : number(value));
  const heads = ["Day (UTC)", "Members", "Joined", "Left", "Corrected"];
  return h(
    "table",
    { "aria-label": "Growth by day" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((label, index) => h("th", { scope: "col", class: index ? "number" : null }, label)),
      ),
    ),
    h(
      "tbody",
      {},
      days
        .toReversed()
        .map(({ date, members, joined, left, corrected }) =>
          h("tr", {}, h("th", { scope: "row" }, date), [members, joined, left, corrected].map(cell)),
        ),
    ),
  );
}
