// A mail as it will look, in a frame of its own, whose policy lets nothing in it run, load, be sent or lead anywhere.

import { h } from "../kit/elements.js";

const ADDRESS = new URL("mail.html", import.meta.url).href;

/** A frame that shows markup; `show` it as often as it changes. */
export function mailFrame(title) {
  let shown = "";
  const frame = h("iframe", { class: "mail", title, sandbox: "allow-same-origin", src: ADDRESS });
  frame.addEventListener("load", () => {
    // Where a mail has led the frame away in spite of all, it is brought back.
    if (!frame.contentDocument) frame.src = ADDRESS;
    else {
      frame.contentDocument.addEventListener("click", (event) => event.preventDefault());
      fill();
    }
  });
  return {
    element: frame,
    show(markup) {
      if (markup === shown) return;
      shown = markup;
      fill();
    },
  };

  function fill() {
    const mail = frame.contentDocument;
    if (mail?.URL !== ADDRESS) return; // not loaded yet
    const top = frame.contentWindow.scrollY;
    mail.documentElement.setHTMLUnsafe(shown);
    frame.contentWindow.scrollTo(0, top);
  }
}
