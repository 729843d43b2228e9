// Putting a text on the clipboard: by a button, or by a menu where there is a choice of texts.

import { announce, foreign, h } from "./elements.js";

const TOLD = 2_000; // milliseconds that a button says what it did
let counter = 0;

/** A button that puts a text on the clipboard, and says so. */
export function copyButton(text, what) {
  const button = h("button", { type: "button", class: "small", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", () => copy(text(), what, button));
  return button;
}

/** A button that opens a list of texts to copy; `items()` gives them when it opens, each as `[what it is, text]`. */
export function copyMenu(whose, items) {
  counter += 1;
  const list = h("div", { class: "menu", popover: "auto", id: `menu-${counter}` });
  const button = h(
    "button",
    { type: "button", class: "small", popovertarget: list.id, "aria-label": `Copy from ${whose}` },
    "Copy",
  );
  const close = () => list.hidePopover();
  list.addEventListener("beforetoggle", ({ newState: state }) => {
    if (state === "open") list.replaceChildren(...items().map(([what, text]) => item(what, text)));
  });
  list.addEventListener("toggle", ({ newState: state }) => {
    if (state === "open") {
      place(list, button);
      window.addEventListener("scroll", close, { once: true, capture: true });
    } else window.removeEventListener("scroll", close, { capture: true });
  });
  return h("span", {}, button, list);

  function item(what, text) {
    const pick = () => {
      close();
      copy(text, what, button);
    };
    return h("button", { type: "button", onclick: pick }, `Copy ${what} `, h("small", {}, foreign(text)));
  }
}

/** Put what opens below its button, or above where there is more room, inside the window. */
function place(list, button) {
  const [box, own] = [button.getBoundingClientRect(), list.getBoundingClientRect()];
  list.style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 4))}px`;
  list.style.top = `${box.bottom + own.height < innerHeight ? box.bottom : Math.max(4, box.top - own.height)}px`;
}

async function copy(text, what, button) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`Copied ${what}`);
    button.textContent = "Copied";
  } catch {
    announce("The browser does not let this page copy");
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = "Copy"), TOLD);
}
