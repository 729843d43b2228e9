// Modal dialogs: the browser's own, which keeps the focus inside, and gives it back at the end.

import { h, keepFocus } from "./elements.js";

let counter = 0;

/** Show a dialog; returns how to `close` it, and `hold(true)` for as long as closing it would lose something. */
export function openDialog(title, content, onclose = () => {}) {
  counter += 1;
  const id = `dialog-${counter}`;
  let isHeld = false;
  const quit = h(
    "button",
    { type: "button", class: "quit", "aria-label": "Close", onclick: () => dialog.close() },
    "×",
  );
  const dialog = h("dialog", { "aria-labelledby": id }, h("header", {}, h("h2", { id }, title), quit), content);
  dialog.addEventListener("cancel", (event) => isHeld && event.preventDefault());
  dialog.addEventListener("keydown", (event) => isHeld && event.key === "Escape" && event.preventDefault());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose();
    keepFocus(document.querySelector("main h1")); // what opened it may be gone
  });
  document.body.append(dialog);
  dialog.showModal();
  return {
    element: dialog,
    close: () => dialog.close(),
    hold(held) {
      isHeld = held;
      quit.hidden = held;
      dialog.toggleAttribute("data-held", held);
    },
  };
}

/** Ask before something is lost; `act` is done once it is confirmed. Who presses Enter or Escape keeps it. */
export function confirmDialog({ title, text, label, keep = "Cancel", act }) {
  const leave = h("button", { type: "button", onclick: () => dialog.close() }, keep);
  const confirm = h("button", { type: "button", class: "danger" }, label);
  confirm.addEventListener("click", () => {
    dialog.close();
    act();
  });
  const dialog = openDialog(title, h("div", {}, h("p", {}, text), h("footer", {}, leave, confirm)));
  leave.focus();
}

/** Whether closing the dialog that is open would lose something. */
export function isHeld() {
  return document.querySelector("dialog[open][data-held]") !== null;
}

/** Close whatever dialog is open, as when the session ends; one that is held stays until it has told its result. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]:not([data-held])")) dialog.close();
}
