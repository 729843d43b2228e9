// What campaigns are called: channels, states, reasons, and in words whom they go to and when.

import { foreign, h } from "../kit/elements.js";
import { startParts } from "./start.js";

/** `mode` of the API, name, the same amid a sentence, channel of a segment's figures (none for who is always reached), what it is. */
export const MODES = [
  {
    mode: "email",
    label: "Email",
    word: "email",
    channel: "email",
    what: "Sent by Amazon SES, with a link to unsubscribe.",
  },
  { mode: "sms", label: "SMS", word: "SMS", channel: "sms", what: "Sent by Amazon SNS." },
  { mode: "push", label: "Push", word: "push", channel: "push", what: "To the apps of iOS and Android." },
  {
    mode: "whatsapp",
    label: "WhatsApp",
    word: "WhatsApp",
    channel: "whatsapp",
    what: "An event on the bus, for your own provider.",
  },
  {
    mode: "webpush",
    label: "Web push",
    word: "web push",
    channel: "web_push",
    what: "An event on the bus, for your own provider.",
  },
  { mode: "webhook", label: "Webhook", word: "webhook", channel: null, what: "A signed HTTPS call for each user." },
];

const LABELS = new Map(MODES.map(({ mode, label }) => [mode, label]));
const MESSAGES = {
  email: "An email",
  sms: "An SMS",
  push: "A push message",
  whatsapp: "A request for a WhatsApp message",
  webpush: "A request for a web push message",
  webhook: "A call of the webhook",
};
const REASONS = {
  unreachable: "The channel does not reach them",
  removed: "Left the audience before their turn",
  erased: "The user was erased",
  stopped: "The campaign was stopped before their turn",
  account_disabled: "The account was disabled",
  no_api_segments: "The account's plan had no API Segments",
  refused: "The provider refused it for good",
  unavailable: "The provider did not answer, however often it was tried",
  template: "The content can't be written for this user",
  outcome_unknown: "Interrupted while it was sent: it may have arrived, and is not sent again",
};

/** What may become known of an email after it was sent, as the API names it. */
export const AFTER_SENDING = ["bounced", "complained", "unsubscribed"];

export function modeLabel(mode) {
  return LABELS.get(mode) ?? mode;
}

export function modeWord(mode) {
  return MODES.find((each) => each.mode === mode).word;
}

export function messageOf(mode) {
  return MESSAGES[mode];
}

export function reasonText(reason) {
  return REASONS[reason] ?? reason;
}

export function isLive(target) {
  return target.status === "scheduled" || target.status === "running";
}

export function isOnline(target) {
  return typeof target.when === "object" && target.when !== null;
}

/** Sums of what became of a campaign's messages, whether they are told by reason or as sums. */
export function sums({ queued, waiting, sent, skipped, failed, bounced, complained, unsubscribed }) {
  const sum = (counts) => (typeof counts === "number" ? counts : Object.values(counts).reduce((a, b) => a + b, 0));
  return { queued, waiting, sent, skipped: sum(skipped), failed: sum(failed), bounced, complained, unsubscribed };
}

/** Links to segments, with `or` between them; of many, the first `most`. */
export function segmentLinks(names, ids, most = Infinity) {
  const shown = ids.slice(0, most);
  const links = shown.map((id) => h("a", { href: `#/segments/${id}` }, foreign(names.of(id))));
  const rest = ids.length - shown.length;
  return [
    ...links.flatMap((link, index) => (index ? [index === links.length - 1 && !rest ? " or " : ", ", link] : [link])),
    rest ? ` or ${rest} more` : null,
  ];
}

/** Whom a campaign goes to, briefly. */
export function whoParts(names, { include, exclude }, most) {
  const parts = [];
  if (include.length) parts.push(h("span", {}, "in ", segmentLinks(names, include, most)));
  if (exclude.length) parts.push(h("span", {}, "not in ", segmentLinks(names, exclude, most)));
  return parts.length ? parts : [h("span", {}, "anyone")];
}

/** When a campaign goes out, briefly. */
export function whenParts(names, target) {
  const { when } = target;
  if (when === "now") return ["at once"];
  if (!isOnline(target)) return startParts(target);
  const id = names.find(when.segment);
  const segment = id === null ? foreign(String(when.segment?.customer_segment_id)) : segmentLinks(names, [id])[0];
  return [when.action === "ADD" ? "on joining " : "on leaving ", segment];
}
