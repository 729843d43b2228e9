// Search and order of segments.

import { columnOf } from "./columns.js";

const folded = (text) => text.normalize("NFKC").toLocaleLowerCase("en");

/** The segments that have `search` in their name, customer id or id, sorted. */
export function select(segments, { search, sort, descending }) {
  const wanted = folded(search.trim());
  const fits = (segment) =>
    folded(segment.segment_name).includes(wanted) ||
    folded(segment.customer_segment_id ?? "").includes(wanted) ||
    String(segment.id).startsWith(wanted);
  const found = [...segments].filter((segment) => !wanted || fits(segment));
  const { order } = columnOf(sort);
  const sign = descending ? -1 : 1;
  return found.sort((a, b) => sign * order(a, b) || b.id - a.id);
}
