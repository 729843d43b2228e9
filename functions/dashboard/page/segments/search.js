// Search and order of segments.

import { isFound, ORDERS } from "./columns.js";

/** The segments that have each word of `search` in their name, ids, tags or description, and `tag` among their tags, sorted. */
export function select(segments, { search, tag = "", sort, descending }) {
  const found = [...segments].filter((segment) => (!tag || segment.tags.includes(tag)) && isFound(segment, search));
  const { order } = ORDERS.find(({ key }) => key === sort);
  const sign = descending ? -1 : 1;
  return found.sort((a, b) => sign * order(a, b) || b.id - a.id);
}

/** All tags of the segments, in order, each with how many have it. */
export function tagsOf(segments) {
  const counts = new Map();
  for (const { tags } of segments) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
}
