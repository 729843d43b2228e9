// One message to somebody of the account's own, before anything goes out to users.

import { h, problem, setText } from "../kit/elements.js";
import { reasonText } from "./labels.js";

const TAKEN = { email: ["email"], sms: ["phone"], whatsapp: ["phone"], push: ["fcm", "apns"], webpush: ["chrome"] };

/** A part that sends what `bodyOf` asks for; it is shown once there is something to send. */
export function testPart({ api, signal, mode, settings, bodyOf }) {
  const isHook = mode === "webhook";
  const fitting = (settings.test_recipients ?? []).filter(({ type }) => TAKEN[mode]?.includes(type));
  const choice = h(
    "select",
    { "aria-label": "Who gets the test" },
    fitting.map(({ address }) => h("option", { value: address }, address)),
  );
  const button = h("button", { type: "button" }, isHook ? "Call it as a test" : "Send a test");
  const told = h("p", { class: "hint", role: "status" });
  const trouble = h("div");
  const asked = isHook || fitting.length ? h("div", { class: "actions" }, isHook ? null : choice, button) : declareFirst();
  const element = h("div", { class: "test", hidden: true }, h("h3", {}, "Test"), asked, told, trouble);
  button.addEventListener("click", send);
  return element;

  async function send() {
    button.disabled = true;
    trouble.replaceChildren();
    setText(told, "Sending …");
    try {
      // Once only: what may have been sent is not sent again.
      const to = isHook ? {} : { to: choice.value };
      const { test } = await api.ask("/1/targets/test.json", { ...bodyOf(), ...to }, { signal, tries: 1 });
      const whom = isHook ? "the webhook" : choice.value;
      setText(told, test.status === "sent" ? `Sent to ${whom}.` : `Not sent: ${reasonText(test.reason)}.`);
    } catch (error) {
      if (signal.aborted) return;
      setText(told, "");
      trouble.replaceChildren(problem(error.message));
    }
    button.disabled = false;
  }
}

function declareFirst() {
  return h("p", { class: "hint" }, "Nobody is declared to get tests by this channel (add_test_recipient).");
}
