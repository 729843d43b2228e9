// The numbers of the pages of a list: the first, the last and those around the shown one.

import { h } from "../kit/elements.js";
import { number } from "../kit/formats.js";

/** `onpick` is told of a number; `show` what is shown, of how many. */
export function pageNumbers(onpick) {
  const element = h("ol", { class: "numbers" });
  let shown = null;
  return { element, show };

  function show(page, pages) {
    if (shown === `${page} ${pages}`) return;
    shown = `${page} ${pages}`;
    element.hidden = pages === 1;
    const numbers = [1, page - 1, page, page + 1, pages].filter((each) => each >= 1 && each <= pages);
    const listed = [...new Set(numbers)].flatMap((each, index, all) => {
      const gap = index && each - all[index - 1] > 1 ? [h("li", { "aria-hidden": "true" }, "…")] : [];
      return [...gap, h("li", {}, button(each, each === page))];
    });
    const hadFocus = element.contains(document.activeElement);
    element.replaceChildren(...listed);
    if (hadFocus) element.querySelector("[aria-current]").focus({ preventScroll: true });
  }

  function button(each, isShown) {
    const name = { "aria-label": `Page ${each}`, "aria-current": isShown ? "page" : null };
    return h("button", { type: "button", ...name, onclick: () => onpick(each) }, number(each));
  }
}
