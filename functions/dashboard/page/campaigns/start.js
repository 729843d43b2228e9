// When a campaign starts. What a local time of the account means is asked of the API, which alone knows.

import { h } from "../kit/elements.js";
import { shownIn, zone } from "../kit/formats.js";

const DAY = 86_400_000;

/** A day and a time of a draft as the API takes them. */
export function localTimeOf({ date, time }) {
  return `${date.replaceAll("-", "")} ${time}`;
}

/** What a local time of the account means: `{starts_at, time_zone, utc_offset, comes_twice}`. */
export async function askStart(api, localTime, signal) {
  const { start } = await api.ask("/1/targets/when.json", { when: localTime }, { signal, tries: 2 });
  return start;
}

/** What a refusal of a local time says. */
export function startRefusal(error) {
  return error.message.replace(/^when: /, "");
}

/** `in 3 days`, `in 20 minutes`. */
export function distanceTo({ starts_at: at }) {
  const left = new Date(at) - Date.now();
  const words = new Intl.RelativeTimeFormat("en");
  if (left >= 2 * DAY) return words.format(Math.floor(left / DAY), "day");
  if (left >= DAY / 12) return words.format(Math.floor(left / (DAY / 24)), "hour");
  return words.format(Math.max(1, Math.round(left / 60_000)), "minute");
}

/** What has to be said of a time that the account's clocks show twice, or null. */
export function twiceWords({ starts_at: at, time_zone: accounts, utc_offset: offset, comes_twice: comesTwice }) {
  const { time } = shownIn(accounts, new Date(at));
  return comesTwice ? `${time} comes twice that night in ${accounts}: the first is taken, at UTC${offset}.` : null;
}

/** The same moment in the reader's own time zone, or null if that is the account's. */
export function ownWords({ starts_at: at, time_zone: accounts }) {
  const own = shownIn(zone(), new Date(at));
  return zone() === accounts ? null : `${own.date} ${own.time} in your own time zone, ${zone()}`;
}

/** The start of a campaign in the account's time zone; as it was written, too, if that was in another zone. */
export function startParts({ starts_at: at, time_zone: accounts, when, when_time_zone: written }) {
  const { date, time } = shownIn(accounts, new Date(at));
  const shown = [h("time", { datetime: at }, `${date} ${time}`), ` ${accounts}`];
  return written && written !== accounts ? [...shown, `, planned as ${asWritten(when)} ${written}`] : shown;
}

/** `20261127 18:30` as people write it. */
function asWritten(when) {
  return when.replace(/^(\d{4})(\d\d)(\d\d)/, "$1-$2-$3");
}

export function daysLater(date, days) {
  return new Date(Date.parse(`${date}T00:00Z`) + days * DAY).toISOString().slice(0, 10);
}
