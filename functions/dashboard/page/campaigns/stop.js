// The dialog that stops a campaign, and says what that means.

import { isOnline } from "./labels.js";
import { openDialog } from "../kit/dialogs.js";
import { announce, foreign, h, isolated, problem } from "../kit/elements.js";

export function stopDialog(api, target, done) {
  const outcome = h("div");
  const submit = h("button", { class: "danger" }, "Stop the campaign");
  const keep = h("button", { type: "button", onclick: () => dialog.close() }, "Let it go on");
  const meaning =
    target.status === "scheduled"
      ? "Nothing is sent. It can't be started again."
      : isOnline(target)
        ? "Who joins or leaves from now on gets no message. It can't be started again."
        : "Messages that wait are not sent any more; those that went out stay out. It can't be started again.";
  const form = h(
    "form",
    { onsubmit: send },
    h("p", {}, "This stops ", h("strong", {}, foreign(target.name)), `. ${meaning}`),
    outcome,
    h("footer", {}, keep, submit),
  );
  const dialog = openDialog(`Stop ${isolated(target.name)}?`, form);
  keep.focus();

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await api.ask("/1/targets/stop.json", { id: target.id });
      dialog.close();
      announce("Stopped");
      done();
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
      submit.disabled = false;
    }
  }
}
