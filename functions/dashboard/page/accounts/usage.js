// Data points of this month against the eleven before it: a picture, and the same as a table.

import { h, problem, svg } from "../kit/elements.js";
import { clock, number } from "../kit/formats.js";

const MONTHS = 12;
const NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const [WIDTH, HEIGHT, TOP, BOTTOM] = [720, 280, 28, 50];

/** The last twelve months of UTC, the oldest first. */
export function lastMonths(now = new Date()) {
  return Array.from({ length: MONTHS }, (_, index) => {
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (MONTHS - 1 - index), 1));
    return first.toISOString().slice(0, 7);
  });
}

function label(month) {
  const [year, index] = month.split("-");
  return `${NAMES[Number(index) - 1]} ${year}`;
}

export function usageView({ api, signal }) {
  const content = h("div", {}, h("p", { class: "fresh" }, "Loading …"));
  load();
  return {
    element: h(
      "section",
      { class: "usage" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Usage")),
      content,
    ),
    title: "Usage",
  };

  /** This month comes first; those before it follow as soon as they are read. */
  async function load() {
    const ask = (month) => api.get("/api/usage", { month }, { signal });
    try {
      const [now, ...before] = lastMonths().toReversed();
      const newest = await ask(now);
      const history = h("div", {}, h("p", { class: "fresh" }, "Loading the months before …"));
      content.replaceChildren(...thisMonth(newest), history);
      const others = await Promise.all(before.map(ask));
      history.replaceChildren(...monthsBefore([...others.toReversed(), newest]));
    } catch (error) {
      if (error.name !== "AbortError") content.replaceChildren(problem(error.message, load));
    }
  }
}

function thisMonth({ month, data_points: points, plan }) {
  return [
    h(
      "dl",
      { class: "totals" },
      h("div", {}, h("dt", {}, `${label(month)} so far`), h("dd", {}, number(points))),
      h("div", {}, h("dt", {}, "Plan"), h("dd", {}, plan)),
    ),
    h(
      "p",
      { class: "hint" },
      `Data points as read at ${clock(new Date())}. Each published change of a membership is one, in the month (UTC) of the change. A repeat that changes nothing is none.`,
    ),
  ];
}

/** The months from the first that has any; nothing is drawn of an account that has none before this one. */
function monthsBefore(months) {
  const first = months.findIndex(({ data_points: points }) => points);
  const shown = first < 0 ? [] : months.slice(first);
  if (shown.length < 2) return [h("p", { class: "none" }, "There were no data points in the eleven months before.")];
  const rows = shown
    .toReversed()
    .map(({ month, data_points: points }) =>
      h("tr", {}, h("th", { scope: "row" }, label(month)), h("td", { class: "number" }, number(points))),
    );
  return [
    h("figure", { class: "panel" }, picture(shown), h("figcaption", {}, "Data points by month")),
    h(
      "table",
      { class: "narrow" },
      h("caption", {}, "The same in numbers"),
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col" }, "Month"), h("th", { scope: "col", class: "number" }, "Data points")),
      ),
      h("tbody", {}, rows),
    ),
  ];
}

function picture(months) {
  const highest = Math.max(1, ...months.map((month) => month.data_points));
  const step = WIDTH / MONTHS; // bars of one width, however many there are
  const full = HEIGHT - TOP - BOTTOM;
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const bars = months.flatMap(({ month, data_points: points }, index) => {
    const height = points ? Math.max(2, (full * points) / highest) : 0;
    const middle = step * (index + 0.5);
    const [name, year] = label(month).split(" ");
    return [
      svg("rect", {
        class: index === months.length - 1 ? "now" : "before",
        x: middle - step * 0.32,
        y: TOP + full - height,
        width: step * 0.64,
        height,
        rx: 2,
      }),
      svg("text", { class: "value", x: middle, y: TOP + full - height - 6 }, compact.format(points)),
      svg("text", { class: "month", x: middle, y: HEIGHT - 28 }, name),
      index === 0 || month.endsWith("-01") ? svg("text", { class: "month", x: middle, y: HEIGHT - 6 }, year) : null,
    ];
  });
  const told = `Data points by month: ${months.map(({ month, data_points: points }) => `${label(month)} ${number(points)}`).join(", ")}`;
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told },
    svg("line", { class: "ground", x1: 0, x2: WIDTH, y1: TOP + full + 0.5, y2: TOP + full + 0.5 }),
    bars,
  );
}
