// One user: profile, channels, segments; add to a segment or remove.

import { fitsPath, NOT_BY_PATH } from "../kit/api.js";
import { select } from "../segments/search.js";
import { announce, field, foreign, h, keepFocus, problem, setText } from "../kit/elements.js";
import { CHANNELS } from "../kit/channels.js";
import { counted, number } from "../kit/formats.js";

import { changeOne } from "../segments/changes.js";

const MATCHES = 50;

export function userView({ api, catalogue, kind, value, signal, go }) {
  const key = h("select", {}, h("option", { value: "identity" }, "identity"), h("option", { value: "guid" }, "guid"));
  key.value = kind ?? "identity";
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
    h(
      "div",
      { class: "title" },
      h("h1", { tabindex: "-1" }, "Users"),
      h("a", { class: "button", href: "#/addresses" }, "Look an address up"),
    ),
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
      h(
        "p",
        { class: "hint" },
        "Look a user up to see the profile, the channels that reach them and their segments, and to add or remove them.",
      ),
    );
  return { element: view, title: "Users" };

  function look(event) {
    event.preventDefault();
    const address = `#/users/${key.value}/${encodeURIComponent(input.value)}`;
    if (address === location.hash) load();
    else go(address);
  }

  async function load() {
    if (!found.hasChildNodes()) found.replaceChildren(h("p", { class: "fresh" }, "Loading …"));
    try {
      const profile = await orNothing(api.get("/1/profile.json", { [kind]: value }, { signal }));
      if (!profile) {
        found.replaceChildren(
          h(
            "div",
            { class: "empty" },
            h("p", {}, "There is no user with this ", kind, "."),
            h("p", {}, "A user comes to be when they are first added to a segment or uploaded."),
          ),
        );
        announce("No such user");
        return;
      }
      const { identity, guid } = profile.record;
      const user = identity !== null && fitsPath(identity) ? { identity } : { guid };
      const segments = Object.values(user).every(fitsPath)
        ? await orNothing(api.getUser((part) => `/api/profiles/${part}/segments`, user, { signal }))
        : null;
      found.replaceChildren(...userParts(profile.record, segments?.segments ?? null));
      announce("User found");
    } catch (error) {
      if (error.name !== "AbortError") found.replaceChildren(problem(error.message, load));
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
    const attributes = Object.entries(record.profileData);
    return [
      h(
        "div",
        { class: "panel" },
        h("h2", {}, record.identity === null ? "Anonymous user" : foreign(record.identity)),
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
        h("h3", {}, "Can be reached by"),
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
        h("h3", {}, "Profile"),
        attributes.length
          ? h(
              "dl",
              { class: "facts attributes" },
              attributes.map(([name, content]) =>
                h("div", {}, h("dt", {}, foreign(name)), h("dd", {}, foreign(String(content)))),
              ),
            )
          : h("p", { class: "none" }, "Nothing was uploaded."),
        record.tokens.length ? h("p", {}, `Push tokens: ${record.tokens.map((token) => token.type).join(", ")}`) : null,
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
      field("Search by name or customer id", search),
      field("Segment", list),
      told,
      submit,
    );
  }
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
