// What all active segments come to: how many of the most there may be, their members, and how those changed today.

import { h, setText } from "../kit/elements.js";
import { counted, number, signed } from "../kit/formats.js";
import { MAX_ACTIVE_SEGMENTS } from "../kit/limits.js";

const PARTS = [
  ["segments", `Active, of ${number(MAX_ACTIVE_SEGMENTS)}`, "An account may have so many active segments."],
  ["members", "Memberships", "Who is in several segments counts in each."],
  ["change", "Change today (UTC)", ""],
];

export function totalsLine() {
  const figures = Object.fromEntries(PARTS.map(([name]) => [name, h("dd", {}, "–")]));
  const element = h(
    "dl",
    { class: "totals line" },
    PARTS.map(([name, label, title]) => h("div", { title }, h("dt", {}, label), figures[name])),
  );
  return { element, show };

  /** Show them of segments of which the active ones are all there. */
  function show(segments) {
    const active = segments.filter(({ status }) => status === "active");
    setText(figures.segments, number(active.length));
    setText(figures.members, number(active.reduce((sum, { members }) => sum + members, 0)));
    const changes = active.map(changeToday).filter((change) => change !== null);
    setText(figures.change, changes.length ? signed(changes.reduce((sum, change) => sum + change, 0)) : "–");
    const unknown = active.length - changes.length;
    const told = unknown && changes.length ? `Without ${counted(unknown, "segment")} of which nobody noted the members at 00:00.` : "";
    figures.change.parentElement.title = told;
  }
}

/** By how much the members of a segment differ from those at the end of the day before; null where that is not known. */
function changeToday({ members, week, created_at: createdAt }) {
  if (!week.length) return null;
  const { day, members: before } = week.at(-1);
  if (before !== null) return members - before;
  return createdAt.slice(0, 10) > day ? members : null;
}
