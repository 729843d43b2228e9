// The members of one segment, page by page, the newest of them, and a look-up of one user.

import { announce, field, foreign, h, keepFocus, problem, reconcile, setText, showTime } from "../kit/elements.js";
import { counted, moment, number } from "../kit/formats.js";
import { MAX_PAGE } from "../kit/limits.js";
import { changeOne } from "./changes.js";
import { userLink } from "../kit/links.js";

const PAGE = 25;
const NEWEST = 10;

export function membersPart({ api, segment, signal, onremoved }) {
  const path = `/api/segments/${segment.id}/members`;
  let current = segment;
  let cursors = [null]; // of the pages up to the shown one
  let following = null;
  let asked = 0;
  let loaded = false;
  let late = null;
  let count = 0; // of the members of the shown page

  const heading = h("h2", { id: "members", tabindex: "-1" }, "Members");
  const body = h("tbody");
  const table = h(
    "table",
    { class: "members", "aria-label": "Members" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Identity", "Guid", "Added"].map((label) => h("th", { scope: "col", class: label.toLowerCase() }, label)),
        h("th", { scope: "col" }, h("span", { class: "unseen" }, "Remove")),
      ),
    ),
    body,
  );
  const scroller = h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": "Page of members", hidden: true },
    table,
  );
  const told = h("p", { class: "range" }, "Loading …");
  const trouble = h("div");
  const newest = h("ol", { class: "newest" });
  const newestPart = h("div", { hidden: true }, h("h3", {}, "Newest members"), newest);
  const previous = h("button", { type: "button", disabled: true, onclick: () => turn(-1) }, "Previous");
  const next = h("button", { type: "button", disabled: true, onclick: () => turn(1) }, "Next");
  const who = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const found = h("p", { role: "status" });
  const lookup = h(
    "form",
    { class: "filters", onsubmit: look },
    field("Is a user in it? Identity", who),
    h("button", {}, "Look"),
  );
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "members" },
    heading,
    lookup,
    found,
    trouble,
    scroller,
    h("nav", { class: "pages", "aria-label": "Pages of members" }, previous, told, next),
    newestPart,
  );

  load();
  return { element, reload: load, show, showCatchingUp };

  /** What to say of a list that does not have all of its members yet; null when it does. */
  function showCatchingUp(text) {
    if (text === late) return;
    late = text;
    if (loaded) renderRange();
  }

  function show(now) {
    current = now;
    element.hidden = now.status !== "active";
  }

  async function load() {
    if (current.status !== "active") return;
    const turnNumber = (asked += 1);
    try {
      const answer = await api.get(path, { limit: PAGE, cursor: cursors.at(-1) }, { signal });
      if (turnNumber !== asked) return;
      following = answer.cursor;
      loaded = true;
      trouble.replaceChildren();
      render(answer.members);
      await loadNewest();
    } catch (error) {
      if (error.name === "AbortError" || error.status === 410 || turnNumber !== asked) return;
      if (error.status === 400 && cursors.length > 1) {
        cursors = [null];
        load();
        return;
      }
      trouble.replaceChildren(problem(error.message, load));
      if (!loaded) setText(told, "");
    }
  }

  async function loadNewest() {
    // Of as many as one request brings, the newest are known exactly.
    newestPart.hidden = current.members === 0 || current.members > MAX_PAGE;
    if (newestPart.hidden) return;
    const answer = await api.get(path, { limit: MAX_PAGE }, { signal });
    newestPart.hidden = Boolean(answer.cursor) || answer.members.length === 0;
    const timed = answer.members.filter((member) => member.added_at);
    const sorted = timed.toSorted((a, b) => (a.added_at < b.added_at ? 1 : -1)).slice(0, NEWEST);
    reconcile(
      newest,
      sorted,
      (member) => member.guid,
      () => h("li"),
      (item, member) => {
        if (item.dataset.at === member.added_at) return;
        item.dataset.at = member.added_at;
        item.replaceChildren(showTime(h("time"), member.added_at), userLink(member));
      },
    );
  }

  function render(members) {
    reconcile(body, members, (member) => member.guid, createRow, showAdded);
    count = members.length;
    const hadFocus = scroller.contains(document.activeElement);
    scroller.hidden = members.length === 0;
    if (hadFocus && scroller.hidden) heading.focus({ preventScroll: true });
    previous.disabled = cursors.length === 1;
    next.disabled = !following;
    renderRange();
  }

  function renderRange() {
    const from = (cursors.length - 1) * PAGE;
    const none = late ? `${late[0].toUpperCase()}${late.slice(1)}: members are shown in a moment.` : "Nobody is in it yet.";
    const range = `${number(from + 1)}–${counted(from + count, "member")}, in no order`;
    setText(told, count ? range : from ? "There are no more." : none);
  }

  /** A member who was added a moment ago may be shown before the time of it is. */
  function showAdded(row, member) {
    const time = row.querySelector("time");
    if (member.added_at) showTime(time, member.added_at);
    else setText(time, "just now");
  }

  function createRow(member) {
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, userLink(member)),
      h("td", { class: "guid" }, h("code", {}, member.guid)),
      h("td", {}, h("time")),
      h(
        "td",
        {},
        h(
          "button",
          {
            type: "button",
            class: "small",
            "aria-label": `Remove ${member.identity ?? member.guid}`,
            onclick: (event) => remove(member, event.currentTarget),
          },
          "Remove",
        ),
      ),
    );
  }

  async function remove(member, button) {
    button.disabled = true;
    const user = member.identity === null ? { guid: member.guid } : { identity: member.identity };
    try {
      await changeOne(api, user, segment.id, "REMOVE");
      button.replaceWith(h("span", { class: "badge" }, "removed"));
      keepFocus(scroller);
      announce("Removed; the figures follow");
      onremoved();
    } catch (error) {
      trouble.replaceChildren(problem(error.message));
      button.disabled = false;
      keepFocus(button);
    }
  }

  function turn(by) {
    if (by > 0) cursors.push(following);
    else cursors.pop();
    previous.disabled = next.disabled = true;
    load().then(() => scroller.focus({ preventScroll: true }));
  }

  async function look(event) {
    event.preventDefault();
    if (!who.value) return;
    setText(found, "Looking …");
    try {
      const member = await api.getUser((part) => `${path}/${part}`, { identity: who.value }, { signal });
      found.replaceChildren(
        "Yes: ",
        userLink(member),
        member.added_at ? ` is in it since ${moment(member.added_at)}.` : " was added just now.",
      );
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 404) found.replaceChildren("No, ", foreign(who.value), " is not in it.");
      else found.replaceChildren(error.message);
    }
  }
}
