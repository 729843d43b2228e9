// Numbers, times and other values as text. How a time is written: `moment`, `relative` in lists, `clock` for one of today;
// the start of a campaign, which is a time of its account, is written in campaigns/start.js.

const numbers = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export function number(value) {
  return numbers.format(value);
}

export function signed(value) {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value))}`;
}

export function share(part, whole) {
  return whole ? percents.format(part / whole) : "–";
}

/** `1 user`, `2 users`. */
export function counted(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

const upTo10 = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** `0.4 s`, `12 s`: a tenth matters only below ten seconds. */
export function seconds(value) {
  return `${value < 10 ? upTo10.format(value) : number(Math.round(value))} s`;
}

/** The reader's own time zone. */
export function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const clocks = new Map(); // by zone

/** What the clocks of a zone show at a moment: `{date, time, seconds}`, and `offset` as `GMT+2`. */
export function shownIn(timeZone, at) {
  if (!clocks.has(timeZone)) {
    const [year, rest] = ["numeric", "2-digit"];
    const parts = { year, month: rest, day: rest, hour: rest, minute: rest, second: rest };
    const format = { timeZone, hourCycle: "h23", timeZoneName: "shortOffset", ...parts };
    clocks.set(timeZone, new Intl.DateTimeFormat("en-CA", format));
  }
  const shown = clocks.get(timeZone).formatToParts(at);
  const part = Object.fromEntries(shown.map(({ type, value }) => [type, value]));
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    time: `${part.hour}:${part.minute}`,
    seconds: part.second,
    offset: part.timeZoneName,
  };
}

/** The time of day in the reader's own zone, or in an account's. */
export function clock(at, accounts = null) {
  const { time, seconds, offset } = shownIn(accounts ?? zone(), at);
  return `${time}:${seconds} ${accounts ?? offset}`;
}

/** A moment of the API (RFC 3339) in the reader's own time zone, or in an account's, which is named. */
export function moment(text, accounts = null) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return String(text);
  const { date, time, seconds, offset } = shownIn(accounts ?? zone(), at);
  return `${date} ${time}:${seconds} ${accounts ?? offset}`;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LAST_RELATIVE_DAY = 30;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** How long ago a moment of the API was, as `3 h ago`, or how far off it is; what is a month away is a day of a zone. */
export function relative(text, accounts = null, now = Date.now()) {
  const at = new Date(text).getTime();
  if (Number.isNaN(at)) return String(text);
  const distance = Math.abs(now - at);
  const told = (unit, name) => {
    const count = `${Math.floor(distance / unit)} ${name}`;
    return at > now ? `in ${count}` : `${count} ago`;
  };
  if (distance < MINUTE) return "just now";
  if (distance < HOUR) return told(MINUTE, "min");
  if (distance < DAY) return told(HOUR, "h");
  if (distance < LAST_RELATIVE_DAY * DAY) return told(DAY, "d");
  const [year, month, day] = shownIn(accounts ?? zone(), at).date.split("-").map(Number);
  return `${day} ${MONTHS[month - 1]} ${year}`;
}
