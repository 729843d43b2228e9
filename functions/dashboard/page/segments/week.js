// How the members of a segment changed in a week: a number, and a line through the ends of its days.

import { h, setText, svg } from "../kit/elements.js";
import { counted, number, signed } from "../kit/formats.js";

const LINE = [56, 16]; // width and height

const oldestOf = ({ week, status }) => (status === "active" ? week.find((end) => end.members !== null) : undefined);

/** By how much its members differ from the oldest that were noted of its week; null of a deleted one, or where nobody noted any. */
export function changeOf(segment) {
  const oldest = oldestOf(segment);
  return oldest ? segment.members - oldest.members : null;
}

/** Show it in a cell, whose children are the line and the number. */
export function showWeek(cell, segment) {
  const { members, week } = segment;
  const oldest = oldestOf(segment);
  const [line, told] = cell.children;
  setText(told, oldest ? signed(changeOf(segment)) : "");
  cell.title = oldest ? `${counted(oldest.members, "member")} at the end of ${oldest.day} (UTC), ${number(members)} now` : "";
  const path = oldest ? pathOf([...week.map((end) => end.members), members]) : "";
  if (line.dataset.path === path) return;
  line.dataset.path = path;
  const [width, height] = LINE;
  line.replaceChildren(...(path ? [svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, svg("path", { d: path }))] : []));
}

/** A line between the lowest and the highest value, with a gap where one is null; one that never changes is in the middle. */
function pathOf(values) {
  const known = values.filter((value) => value !== null);
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  const place = (length, part) => (1 + (length - 2) * part).toFixed(1);
  const [width, height] = LINE;
  return values
    .map((value, index) => {
      if (value === null) return "";
      const x = place(width, index / (values.length - 1));
      const y = place(height, highest > lowest ? (highest - value) / (highest - lowest) : 0.5);
      return index === 0 || values[index - 1] === null ? `M${x},${y}h0` : `L${x},${y}`;
    })
    .join("");
}
