// Links to what several rooms speak of.

import { foreign, h } from "./elements.js";

/** A link to a member's page; who has no identity is found by guid. */
export function userLink({ identity, guid }) {
  if (identity === null || identity === undefined)
    return h("a", { href: `#/users/guid/${encodeURIComponent(guid)}`, class: "none" }, "anonymous");
  return h("a", { href: `#/users/identity/${encodeURIComponent(identity)}` }, foreign(identity));
}
