// One address: whether messages go to it, why not, who has it; put it on the suppression list or take it off.

import { openDialog } from "../kit/dialogs.js";
import { announce, fact, field, foreign, h, isolated, problem } from "../kit/elements.js";
import { moment, number } from "../kit/formats.js";
import { userLink } from "../kit/links.js";

const PATH = "/api/suppressions";
const MOST_USERS = 25;
const REASONS = {
  unsubscribed_at: "A user unsubscribed by the link in an email",
  complained_at: "A user complained about an email",
  bounced_at: "An email came back for good",
  entered_at: "It was put on the list by the account",
};

export function addressView({ api, query, signal, go }) {
  const type = query.has("phone") ? "phone" : "email";
  const text = query.get(type) ?? "";
  const kind = h("select", {}, h("option", { value: "email" }, "email address"), h("option", { value: "phone" }, "phone number"));
  kind.value = type;
  const input = h("input", { type: "search", autocomplete: "off", spellcheck: "false", required: true, value: text });
  const found = h("div");
  const form = h(
    "form",
    { class: "filters", role: "search", onsubmit: look },
    field("Kind", kind),
    field("Address", input, "A phone number with + and the country's code"),
    h("button", { class: "primary" }, "Look up"),
  );
  const view = h(
    "section",
    { class: "user" },
    h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/users" }, "Users")),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Addresses")),
    form,
    found,
  );
  if (text) load();
  else found.append(h("p", { class: "hint" }, "Look an address up to see whether messages go to it, why not, and who has it."));
  return { element: view, title: "Addresses" };

  function look(event) {
    event.preventDefault();
    const address = `#/addresses?${new URLSearchParams({ [kind.value]: input.value.trim() })}`;
    if (address === location.hash) load();
    else go(address);
  }

  async function load() {
    if (!found.hasChildNodes()) found.replaceChildren(h("p", { class: "fresh" }, "Loading …"));
    try {
      const asked = { [type]: text };
      const [{ suppressions }, { profiles, cursor }] = await Promise.all([
        api.get(PATH, asked, { signal }),
        api.get("/api/profiles", { ...asked, limit: MOST_USERS }, { signal }),
      ]);
      found.replaceChildren(stateOf(suppressions[0] ?? null), usersOf(profiles, cursor !== null));
      announce("Address found");
    } catch (error) {
      if (error.name !== "AbortError") found.replaceChildren(problem(error.message, error.status === 400 ? null : load));
    }
  }

  function stateOf(entry) {
    const isClosed = entry?.suppressed ?? false;
    const reasons = Object.entries(REASONS).filter(([name]) => entry?.[name]);
    const button = h("button", { type: "button", class: isClosed ? "danger" : null }, isClosed ? "Take off the list" : "Put on the list");
    button.addEventListener("click", () => (isClosed ? liftDialog : suppressDialog)(api, type, text, load));
    const past = entry && !isClosed ? fact("Last taken off the list", moment(entry.lifted_at)) : null;
    return h(
      "div",
      { class: "panel" },
      h("h2", {}, foreign(text)),
      h("p", {}, isClosed ? "It is on the suppression list: no messages go to it." : "It is not on the suppression list."),
      h(
        "dl",
        { class: "facts" },
        reasons.map(([name, why]) => fact(why, moment(entry[name]))),
        past,
        entry ? fact("Users that have followed", following(entry)) : null,
      ),
      button,
    );
  }

  function following({ profiles, applied_at: applied }) {
    return applied ? `${number(profiles)}, all since ${moment(applied)}` : `${number(profiles)} so far`;
  }

  function usersOf(profiles, goesOn) {
    return h(
      "div",
      { class: "panel" },
      h("h2", {}, "Who has it"),
      profiles.length
        ? h("ul", {}, profiles.map((each) => h("li", {}, userLink(each))))
        : h("p", { class: "none" }, "Nobody. What is said of it holds for whoever comes with it."),
      goesOn ? h("p", { class: "hint" }, `The first ${number(profiles.length)}; there are more.`) : null,
    );
  }
}

function liftDialog(api, type, text, done) {
  changeDialog({
    title: `Take ${isolated(text)} off the list?`,
    told:
      "Messages go to it again, and the opt-outs of those who have it now are taken back. Do it only when they have said so. An address that mail came back from may do so again.",
    label: "Take it off",
    method: "DELETE",
    said: "Taken off the list",
    ...{ api, type, text, done },
  });
}

function suppressDialog(api, type, text, done) {
  changeDialog({
    title: `Put ${isolated(text)} on the list?`,
    told: "No messages go to it from now on, whoever has it or comes with it later.",
    label: "Put it on the list",
    method: "PUT",
    said: "Put on the list",
    ...{ api, type, text, done },
  });
}

function changeDialog({ api, type, text, done, title, told, label, method, said }) {
  const outcome = h("div");
  const submit = h("button", { class: "danger" }, label);
  const leave = h("button", { type: "button", onclick: () => dialog.close() }, "Leave it as it is");
  const form = h("form", { onsubmit: send }, h("p", {}, told), outcome, h("footer", {}, leave, submit));
  const dialog = openDialog(title, form);
  leave.focus();

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await api.change(method, `${PATH}?${new URLSearchParams({ [type]: text })}`);
      dialog.close();
      announce(said);
      await done();
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
      submit.disabled = false;
    }
  }
}
