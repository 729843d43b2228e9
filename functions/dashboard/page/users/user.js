// One user, found by identity, address or guid: profile, channels, segments; add to a segment or remove, erase.

import { fitsPath, NOT_BY_PATH } from "../kit/api.js";
import { select } from "../segments/search.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, isolated, keepFocus, problem, setText } from "../kit/elements.js";
import { CHANNELS } from "../kit/channels.js";
import { counted, number } from "../kit/formats.js";
import { userLink } from "../kit/links.js";
import { changeOne } from "../segments/changes.js";

const MATCHES = 50;
const MOST_USERS = 100;
const KINDS = { identity: "identity", email: "email address", phone: "phone number", guid: "guid" };
const ADDRESSES = ["email", "phone"];
const FIRST = ["Name", "Email", "Phone", "Gender", "DOB", "MSG-email", "MSG-sms", "MSG-whatsapp", "MSG-push"];
const SECONDS = /^\$D_(-?\d{1,12})$/; // CleverTap's way to write a moment

/** A user by identity or guid, as the path has it; or all who have an address, as the query has it. */
export function userView({ api, catalogue, kind: named, value: id, query, signal, go }) {
  const kind = named ?? ADDRESSES.find((each) => query.has(each));
  const value = id ?? query.get(kind);
  const key = h(
    "select",
    {},
    Object.entries(KINDS).map(([name, label]) => h("option", { value: name }, label)),
  );
  key.value = kind ?? "identity";
  const heading = h("h1", { tabindex: "-1" }, "Users");
  const input = h("input", {
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    value: value ?? "",
  });
  const found = h("div");
  const view = h(
    "section",
    { class: "user" },
    value ? h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/users" }, "Users")) : null,
    h("div", { class: "title" }, heading, h("a", { class: "button", href: "#/addresses" }, "Look an address up")),
    h(
      "form",
      { class: "filters", role: "search", onsubmit: look },
      field("Named by", key),
      field("User", input),
      h("button", { class: "primary" }, "Look up"),
    ),
    found,
  );
  let renewChoice = () => {};
  catalogue.show("active");
  catalogue.addEventListener("change", () => renewChoice(), { signal });
  if (value) {
    load();
    catalogue.readOnce(signal);
  } else
    found.append(
      query.has("erased") ? h("div", { class: "done", role: "status" }, h("p", {}, "The user is erased.")) : "",
      h(
        "p",
        { class: "hint" },
        "Look a user up to see their profile, how they can be reached and which segments they are in; to add or remove them; or to erase them.",
      ),
    );
  return { element: view, title: "Users" };

  function look(event) {
    event.preventDefault();
    const address = ADDRESSES.includes(key.value)
      ? `#/users?${new URLSearchParams({ [key.value]: input.value.trim() })}`
      : `#/users/${key.value}/${encodeURIComponent(input.value)}`;
    if (address === location.hash) load();
    else go(address);
  }

  async function load() {
    if (!found.hasChildNodes()) found.replaceChildren(h("p", { class: "fresh" }, "Loading …"));
    try {
      const asked = ADDRESSES.includes(kind) ? await findByAddress() : { [kind]: value };
      if (!asked) return;
      const profile = await orNothing(api.get("/1/profile.json", asked, { signal }));
      if (!profile) {
        showNobody();
        return;
      }
      const { identity, guid } = profile.record;
      const user = identity !== null && fitsPath(identity) ? { identity } : { guid };
      const segments = Object.values(user).every(fitsPath)
        ? await orNothing(api.getUser((part) => `/api/profiles/${part}/segments`, user, { signal }))
        : null;
      found.replaceChildren(...userParts(profile.record, segments?.segments ?? null));
      const name = nameOf(profile.record);
      heading.replaceChildren(name ? foreign(name) : "Anonymous user");
      document.title = `${name ?? "Anonymous user"} · API Segments`;
      announce("User found");
    } catch (error) {
      const isRefused = error.status === 400;
      if (error.name !== "AbortError") found.replaceChildren(problem(error.message, isRefused ? null : load));
    }
  }

  /** The one who has the address; where none or several have it, they are shown and null is returned. */
  async function findByAddress() {
    const { profiles, cursor } = await api.get("/api/profiles", { [kind]: value, limit: MOST_USERS }, { signal });
    if (profiles.length === 1 && !cursor) return { guid: profiles[0].guid };
    if (!profiles.length) {
      showNobody();
      return null;
    }
    found.replaceChildren(
      h(
        "div",
        { class: "panel" },
        h("h2", {}, `${counted(profiles.length, "user")}${cursor ? " and more" : ""} with this ${KINDS[kind]}`),
        h("ul", {}, profiles.map((each) => h("li", {}, userLink(each)))),
      ),
    );
    announce(`${counted(profiles.length, "user")} found`);
    return null;
  }

  function showNobody() {
    found.replaceChildren(
      h(
        "div",
        { class: "empty" },
        h("p", {}, `There is no user with this ${KINDS[kind]}.`),
        h("p", {}, "Users exist once they are added to a segment or uploaded."),
        ADDRESSES.includes(kind)
          ? h("p", {}, h("a", { href: `#/addresses?${new URLSearchParams({ [kind]: value })}` }, "Is the address suppressed?"))
          : null,
      ),
    );
    announce("No such user");
  }

  function erase(record) {
    const name = nameOf(record) ?? record.guid;
    const outcome = h("div");
    const keep = h("button", { type: "button", onclick: () => dialog.close() }, "Keep the user");
    const submit = h("button", { class: "danger" }, "Erase for ever");
    const told =
      "This deletes all attributes, push tokens, the identity and all memberships for ever. Each segment that the user is in counts one member less and sends its event. Opt-outs of the addresses stay.";
    const form = h("form", { onsubmit: send }, h("p", {}, told), outcome, h("footer", {}, keep, submit));
    const dialog = openDialog(`Erase ${isolated(name)}?`, form);
    keep.focus();

    async function send(event) {
      event.preventDefault();
      submit.disabled = true;
      try {
        await api.change("DELETE", `/api/profiles/${encodeURIComponent(record.guid)}?by=guid`);
        dialog.close();
        announce("Erased");
        go("#/users?erased");
      } catch (error) {
        outcome.replaceChildren(problem(error.message));
        submit.disabled = false;
        keepFocus(submit);
      }
    }
  }

  function userParts(record, segments) {
    const named = record.identity === null ? { guid: record.guid } : { identity: record.identity };
    const outcome = h("div");
    const change = async (segment, action, button) => {
      button.disabled = true;
      try {
        await changeOne(api, named, segment.id, action);
        await load();
        announce(action === "ADD" ? "Added" : "Removed");
        view.querySelector("#user-segments").focus();
      } catch (error) {
        outcome.replaceChildren(problem(error.message));
        button.disabled = false;
        keepFocus(button);
      }
    };
    const attributes = Object.entries(record.profileData).toSorted(byAttribute);
    return [
      h(
        "div",
        { class: "panel" },
        h("h2", {}, "Profile"),
        h(
          "dl",
          { class: "facts" },
          h(
            "div",
            {},
            h("dt", {}, "Identity"),
            h("dd", {}, record.identity === null ? h("span", { class: "none" }, "none") : foreign(record.identity)),
          ),
          h("div", {}, h("dt", {}, "Guid"), h("dd", {}, h("code", {}, record.guid))),
        ),
        h("h3", {}, "How they can be reached"),
        h(
          "ul",
          { class: "channels" },
          CHANNELS.map(([channel, label]) =>
            h(
              "li",
              { class: record.reachable[channel] ? "yes" : "no" },
              label,
              h("span", {}, record.reachable[channel] ? "yes" : "no"),
            ),
          ),
        ),
        closedPart(record),
        h("h3", {}, "Attributes"),
        attributes.length
          ? h(
              "dl",
              { class: "facts attributes" },
              attributes.map(([name, content]) =>
                h("div", {}, h("dt", {}, foreign(name)), h("dd", {}, valueOf(content))),
              ),
            )
          : h("p", { class: "none" }, "No attributes were uploaded."),
        record.tokens.length ? h("p", {}, `Push tokens: ${record.tokens.map((token) => token.type).join(", ")}`) : null,
        h("button", { type: "button", class: "danger", onclick: () => erase(record) }, "Erase the user"),
      ),
      h(
        "div",
        { class: "panel" },
        h("h2", { id: "user-segments", tabindex: "-1" }, segments ? counted(segments.length, "segment") : "Segments"),
        outcome,
        segments === null ? h("p", { class: "none" }, NOT_BY_PATH) : null,
        segments?.length ? segmentsTable(segments, change) : null,
        addForm(segments ?? [], change),
      ),
    ];
  }

  function segmentsTable(segments, change) {
    const rows = segments.map((segment) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, h("a", { href: `#/segments/${segment.id}` }, foreign(segment.segment_name))),
        h("td", {}, h("code", {}, String(segment.id))),
        h(
          "td",
          {},
          segment.customer_segment_id === null
            ? h("span", { class: "none" }, "none")
            : foreign(segment.customer_segment_id),
        ),
        h(
          "td",
          {},
          h(
            "button",
            {
              type: "button",
              class: "small",
              "aria-label": `Remove from ${segment.segment_name}`,
              onclick: (event) => change(segment, "REMOVE", event.currentTarget),
            },
            "Remove",
          ),
        ),
      ),
    );
    return h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": "Segments of the user" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Name", "Id", "Customer id"].map((label) => h("th", { scope: "col" }, label)),
            h("th", { scope: "col" }, h("span", { class: "unseen" }, "Remove")),
          ),
        ),
        h("tbody", {}, rows),
      ),
    );
  }

  /** A search over all segments; the one that is chosen is the one the user is added to. */
  function addForm(present, change) {
    const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    const list = h("select", { size: "6", required: true });
    const submit = h("button", { class: "primary" }, "Add to the segment");
    const told = h("p", { class: "hint", role: "status" });
    const isIn = new Set(present.map((segment) => segment.id));
    const render = () => {
      const open = [...catalogue.segments.values()].filter(
        (segment) => segment.status === "active" && !isIn.has(segment.id),
      );
      const fitting = select(open, { search: search.value, sort: "name", descending: false });
      const chosen = list.value;
      list.replaceChildren(
        ...fitting
          .slice(0, MATCHES)
          .map((segment) =>
            h(
              "option",
              { value: segment.id },
              segment.segment_name + (segment.customer_segment_id === null ? "" : ` (${segment.customer_segment_id})`),
            ),
          ),
      );
      if (fitting.some((segment) => String(segment.id) === chosen)) list.value = chosen;
      submit.disabled = list.disabled = fitting.length === 0;
      const none = !catalogue.complete
        ? "Loading …"
        : search.value
          ? "No such segment that the user is not in."
          : "There is no segment that the user is not in.";
      const some = fitting.length > MATCHES ? `The first ${MATCHES} of ${number(fitting.length)}.` : "";
      setText(told, fitting.length ? some : none);
    };
    search.addEventListener("input", render);
    renewChoice = render;
    render();
    const send = (event) => {
      event.preventDefault();
      change({ id: Number(list.value) }, "ADD", submit);
    };
    return h(
      "form",
      { class: "add", onsubmit: send },
      h("h3", {}, "Add to a segment"),
      field("Search by name, id or tag", search),
      field("Segment", list),
      told,
      submit,
    );
  }
}

/** What a user is called: by name, or what else they are known by. */
function nameOf({ identity, profileData: { Name: name, Email: email, Phone: phone } }) {
  return [name, identity, email, phone].find((each) => each !== null && each !== undefined && String(each).trim()) ?? null;
}

const names = new Intl.Collator("en", { numeric: true });

/** Those that the API knows come first, then a customer's own by name. */
function byAttribute([one], [other]) {
  const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return rank(one) - rank(other) || names.compare(one, other);
}

/** An attribute's value as people read it: `yes`, `1,234.5`, a day for CleverTap's seconds. */
function valueOf(content) {
  if (typeof content === "boolean") return content ? "yes" : "no";
  if (typeof content === "number") return content.toLocaleString("en", { maximumSignificantDigits: 17 });
  const seconds = SECONDS.exec(content)?.[1];
  const at = seconds && new Date(Number(seconds) * 1000);
  if (!at || Number.isNaN(at.getTime())) return foreign(String(content));
  return [h("time", { datetime: at.toISOString() }, `${at.toISOString().slice(0, 10)} UTC`), " ", h("code", {}, content)];
}

/** Which channels the user or the suppression list has closed, and where to see why. */
function closedPart({ opted_out: closed, profileData }) {
  if (!closed.length) return null;
  const labels = CHANNELS.filter(([channel]) => closed.includes(channel)).map(([, label]) => label);
  const addresses = [
    ["email", profileData.Email],
    ["phone", profileData.Phone],
  ].filter(([, address]) => address);
  return h(
    "p",
    {},
    `Closed by the user or the suppression list, whatever is uploaded: ${labels.join(", ")}. `,
    addresses.flatMap(([type, address], index) => [
      index ? ", " : "See ",
      h("a", { href: `#/addresses?${new URLSearchParams({ [type]: address })}` }, foreign(address)),
    ]),
  );
}

async function orNothing(asking) {
  try {
    return await asking;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
