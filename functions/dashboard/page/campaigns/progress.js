// How far a campaign has come: a bar of what was sent, skipped and failed, and the same in words.

import { isOnline } from "./labels.js";
import { h, setText } from "../kit/elements.js";
import { counted, number, share } from "../kit/formats.js";

const PARTS = ["sent", "skipped", "failed"];

export function progressBar() {
  return h(
    "div",
    {},
    h(
      "span",
      { class: "bar parts", "aria-hidden": "true" },
      PARTS.map((name) => h("span", { class: `part-${name}` })),
    ),
    h("span", { class: "told" }),
  );
}

/** Bring a bar inside `parent` up to date with the sums of a campaign's messages. */
export function showProgress(parent, target, told) {
  const ended = told.sent + told.skipped + told.failed;
  const whole = ended + told.waiting;
  for (const name of PARTS) {
    parent.querySelector(`.part-${name}`).style.width = whole ? `${(100 * told[name]) / whole}%` : "0";
  }
  setText(parent.querySelector(".told"), words(target, told, ended, whole));
}

function words(target, told, ended, whole) {
  if (target.status === "scheduled") return isOnline(target) ? "waits for changes" : "not yet";
  if (target.status === "running" && isOnline(target))
    return told.waiting ? `${number(told.waiting)} waiting` : "waits for changes";
  if (target.status === "running") return whole ? `${share(ended, whole)} so far` : "beginning";
  if (told.waiting) return `${counted(told.waiting, "message")} left`;
  return whole ? `${share(told.sent, whole)} sent` : "nobody to send to";
}
