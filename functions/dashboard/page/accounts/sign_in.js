// Signing in: the two headers that every client sends, tried once.

import { Api, ApiError } from "../kit/api.js";
import { field, h, keepFocus, problem } from "../kit/elements.js";
import { MAX_ID_CHARACTERS } from "../kit/limits.js";

const HEADER = /^[\x21-\x7e]+$/; // what a header can carry

/** Why these can't be signed in with, or null; `isOver` where it is for good. Reading one segment needs all that the page needs. */
export async function refusal(session, signal) {
  if (!HEADER.test(session.account) || !HEADER.test(session.passcode)) return WRONG;
  try {
    await new Api(session).get("/api/segments", { limit: 1 }, { signal, tries: 2 });
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return WRONG;
    if (error.status === 403) return { title: "This account can't be used here", text: error.message, isOver: true };
    return { title: "Could not sign in", text: error.message };
  }
}

const WRONG = {
  title: "Account id or passcode is wrong",
  text: "Copy both again from where you keep them. A passcode that was revoked does not work any more.",
  isOver: true,
};

export function signInView({ reason, slowness, onsession }) {
  const account = h("input", {
    type: "text",
    name: "username",
    autocomplete: "username",
    spellcheck: "false",
    autocapitalize: "none",
    required: true,
    maxlength: MAX_ID_CHARACTERS,
  });
  const passcode = h("input", {
    type: "password",
    name: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    autocapitalize: "none",
    required: true,
    maxlength: "1024",
  });
  const shown = h("input", { type: "checkbox", onchange: () => (passcode.type = shown.checked ? "text" : "password") });
  const stays = h("input", { type: "checkbox", "aria-describedby": "stays-hint" });
  const outcome = h("div");
  const submit = h("button", { class: "primary" }, "Sign in");
  const cancel = h("button", { type: "button", hidden: true }, "Cancel");
  const form = h(
    "form",
    { method: "post", onsubmit: send },
    field("Account id", account),
    field("Passcode", passcode),
    h("p", {}, h("label", { class: "check" }, shown, "Show passcode")),
    h("p", {}, h("label", { class: "check" }, stays, "Stay signed in on this device")),
    h(
      "p",
      { class: "hint", id: "stays-hint" },
      "Only on a device that is yours. Otherwise you are signed out when you close the last tab of this page.",
    ),
    outcome,
    submit,
    cancel,
  );
  if (reason) outcome.replaceChildren(problem(reason));

  async function send(event) {
    event.preventDefault();
    const session = { account: account.value.trim(), passcode: passcode.value.trim() };
    shown.checked = false; // a password manager saves a password's field only
    passcode.type = "password";
    const asking = new AbortController();
    cancel.onclick = () => asking.abort();
    wait(true);
    outcome.replaceChildren();
    let why;
    try {
      why = await slowness.watch(refusal(session, asking.signal));
    } catch (error) {
      if (!asking.signal.aborted) throw error;
      return;
    } finally {
      wait(false);
    }
    if (!why) {
      onsession(session, stays.checked);
      return;
    }
    outcome.replaceChildren(problem(`${why.title}. ${why.text}`));
    (why === WRONG ? passcode : submit).focus();
  }

  function wait(isWaiting) {
    submit.disabled = isWaiting;
    submit.textContent = isWaiting ? "Signing in …" : "Sign in";
    cancel.hidden = !isWaiting;
    keepFocus(submit);
  }

  return {
    element: h(
      "section",
      { class: "signin" },
      h("h1", { tabindex: "-1" }, "API Segments"),
      h("p", {}, "Segments of users that your backend fills, and campaigns that are sent to them."),
      form,
      h("h2", {}, "No account, or a lost passcode?"),
      h(
        "p",
        {},
        "Ask whoever runs this installation. They create accounts and passcodes; a passcode is shown once, when it is created, and a lost one is replaced by a new one.",
      ),
    ),
    title: "Sign in",
    focus: () => account.focus(),
  };
}
