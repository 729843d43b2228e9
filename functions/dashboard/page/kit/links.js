// Links to what several rooms speak of.

import { foreign, h } from "./elements.js";

/** The address of a new campaign for who is in any of these segments, and in none of the others that are excluded. */
export function campaignFor(include, exclude = []) {
  const sides = Object.entries({ include, exclude }).filter(([, ids]) => ids.length);
  return `#/campaigns/new?${sides.map(([kind, ids]) => `${kind}=${ids.join(",")}`).join("&")}`;
}

/** A link to a member's page; who has no identity is found by guid. */
export function userLink({ identity, guid }) {
  if (identity === null || identity === undefined)
    return h("a", { href: `#/users/guid/${encodeURIComponent(guid)}`, class: "none" }, "anonymous");
  return h("a", { href: `#/users/identity/${encodeURIComponent(identity)}` }, foreign(identity));
}
