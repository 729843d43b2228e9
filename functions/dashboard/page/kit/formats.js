// Numbers, times and other values as text.

const numbers = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const pad = (value) => String(value).padStart(2, "0");

export function number(value) {
  return numbers.format(value);
}

export function signed(value) {
  return value > 0 ? `+${number(value)}` : `−${number(-value)}`;
}

export function share(part, whole) {
  return whole ? percents.format(part / whole) : "–";
}

/** `1 user`, `2 users`. */
export function counted(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function clock(date) {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

export function day(date) {
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** A moment of the API (RFC 3339) in the reader's own time zone. */
export function moment(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text) : `${day(date)} ${clock(date)}`;
}

/** A moment short enough for a table: the time if it is today's. */
export function brief(text) {
  const date = new Date(text);
  const shown = day(date);
  return shown === day(new Date()) ? clock(date) : `${shown} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

export function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
