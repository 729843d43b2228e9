// Times of lists, which `showTime` puts there: they grow older as they are looked at, and tell all of themselves when asked.

import { h, showTime } from "./elements.js";

const INTERVAL = 20_000;
const EDGE = 4; // as near as it comes to the window's sides
const TIMES = "time[data-exact]";

/** Keep every time of the page right, and show the exact one at the pointer and at the focus; Escape hides it. */
export function keepTimes() {
  setInterval(() => document.hidden || renew(), INTERVAL);
  document.addEventListener("visibilitychange", () => document.hidden || renew());
  const exact = h("div", { id: "exact-time", role: "tooltip", popover: "manual" });
  document.querySelector("header").append(exact); // all that is said belongs to a landmark
  let shownFor = null;
  for (const kind of ["pointerover", "focusin"])
    document.addEventListener(kind, ({ target }) => {
      const time = target.closest?.(TIMES);
      if (time) show(time);
      else if (kind === "focusin" || (target !== exact && document.activeElement !== shownFor)) hide();
    });
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", () => shownFor && place(), { capture: true, passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  function show(time) {
    if (time === shownFor) return;
    hide();
    shownFor = time;
    exact.textContent = time.dataset.exact;
    time.setAttribute("aria-describedby", exact.id);
    exact.showPopover();
    place();
  }

  function place() {
    const [box, own] = [shownFor.getBoundingClientRect(), exact.getBoundingClientRect()];
    exact.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - own.width - EDGE))}px`;
    // No gap, so that the pointer can go over to it.
    exact.style.top = `${box.bottom + own.height < innerHeight ? box.bottom : box.top - own.height}px`;
  }

  function hide() {
    if (!shownFor) return;
    shownFor.removeAttribute("aria-describedby");
    shownFor = null;
    exact.hidePopover();
  }
}

function renew() {
  for (const time of document.querySelectorAll(TIMES)) showTime(time, time.dateTime, time.dataset.zone ?? null);
}
