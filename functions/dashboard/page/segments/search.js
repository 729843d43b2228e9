// Search and order of segments.

import { columnOf, isFound } from "./columns.js";

/** The segments that have `search` in their name, customer id or id, sorted. */
export function select(segments, { search, sort, descending }) {
  const found = [...segments].filter((segment) => isFound(segment, search));
  const { order } = columnOf(sort);
  const sign = descending ? -1 : 1;
  return found.sort((a, b) => sign * order(a, b) || b.id - a.id);
}
