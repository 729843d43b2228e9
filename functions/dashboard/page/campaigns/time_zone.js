// Clock times in the account's time zone, which need not be the reader's.

const DAY = 86_400_000;

/** `{date, time}` that the clocks of a zone show at a moment. */
export function shownIn(zone, moment) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  return { date: `${part.year}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}` };
}

/** The moment at which the clocks of a zone show that. */
export function momentIn(zone, date, time) {
  const wanted = Date.parse(`${date}T${time}Z`);
  let moment = wanted;
  for (let tries = 0; tries < 2; tries += 1) {
    const shown = shownIn(zone, new Date(moment));
    moment += wanted - Date.parse(`${shown.date}T${shown.time}Z`);
  }
  return new Date(moment);
}

/** `in 3 days`, `in 20 minutes`; null for what is past. */
export function fromNow(moment) {
  const left = moment - Date.now();
  if (left < 0) return null;
  const words = new Intl.RelativeTimeFormat("en");
  if (left >= 2 * DAY) return words.format(Math.floor(left / DAY), "day");
  if (left >= DAY / 12) return words.format(Math.floor(left / (DAY / 24)), "hour");
  return words.format(Math.max(1, Math.round(left / 60_000)), "minute");
}

export function daysLater(date, days) {
  return new Date(Date.parse(`${date}T00:00Z`) + days * DAY).toISOString().slice(0, 10);
}
