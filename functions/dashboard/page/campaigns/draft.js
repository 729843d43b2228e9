// A campaign that is being written: what is filled in so far, what is missing yet, and how the API is told of it.

import { shownIn } from "../kit/formats.js";
import { loadDraft } from "../kit/session.js";
import { localTimeOf } from "./start.js";

/** Fields of each channel's content: name in the API, label, and how it is typed. */
export const FIELDS = {
  email: [
    { name: "subject", label: "Subject", required: true },
    { name: "sender", label: "Sender", kind: "sender" },
    { name: "sender_name", label: "Sender's name (optional)" },
    { name: "reply_to", label: "Replies go to (optional)", kind: "email" },
    { name: "body", label: "Body (HTML)", kind: "text", rows: 12, required: true },
    { name: "text", label: "Text without HTML (optional, made from the body)", kind: "text", rows: 4 },
  ],
  sms: [{ name: "body", label: "Text", kind: "text", rows: 4, required: true }],
  push: [
    { name: "title", label: "Title", required: true },
    { name: "body", label: "Text", kind: "text", rows: 4, required: true },
    { name: "deep_link", label: "Link that it opens (optional)" },
  ],
  whatsapp: [{ name: "body", label: "Text", kind: "text", rows: 6, required: true }],
  webpush: [
    { name: "title", label: "Title", required: true },
    { name: "body", label: "Text", kind: "text", rows: 4, required: true },
    { name: "deep_link", label: "Link that it opens (optional)" },
  ],
  webhook: [
    { name: "url", label: "Webhook", kind: "webhook", required: true },
    { name: "body", label: "Body (JSON, optional)", kind: "text", rows: 8 },
  ],
};

export function newDraft() {
  return {
    name: "",
    mode: "",
    rules: [], // {kind: "include" | "exclude", ids: []}
    limit: "",
    contents: {}, // by mode
    reader: "", // whom the preview is for
    when: { kind: "now", date: "", time: "", segment: null, action: "ADD" },
    refusal: null, // {path, text}: what the API said against it
    sent: null, // {text, key}: what it was last asked for, and the key of that
    editing: null, // {id, version, when}: the scheduled campaign that it is to become, and when that goes out as yet
  };
}

/** A draft of a campaign like this one; it goes out at a time that is yet to be chosen. */
export function duplicateOf(target) {
  const { when } = target;
  const isOnline = typeof when === "object" && when !== null;
  return {
    ...newDraft(),
    name: target.name,
    mode: target.target_mode,
    rules: ["include", "exclude"]
      .map((kind) => ({ kind, ids: target.segments[kind] }))
      .filter(({ ids }) => ids.length),
    limit: target.users_limit_overall === null ? "" : String(target.users_limit_overall),
    contents: { [target.target_mode]: target.content },
    when: isOnline
      ? { ...newDraft().when, kind: "event", segment: when.segment, action: when.action }
      : { ...newDraft().when, kind: "time" },
  };
}

/** The rules that an address asks for (kit/links.js). */
export function rulesOf(query) {
  const idsOf = (kind) => (query.get(kind) ?? "").split(",").filter((id) => /^\d{1,16}$/.test(id)).map(Number);
  return ["include", "exclude"].map((kind) => ({ kind, ids: idsOf(kind) })).filter(({ ids }) => ids.length);
}

/** A draft of what a scheduled campaign is to become. */
export function editOf(target) {
  const { date, time } = shownIn(target.time_zone, new Date(target.starts_at));
  const when = { ...newDraft().when, kind: "time", date, time };
  return { ...duplicateOf(target), when, editing: { id: target.id, version: target.version, when: whenOf(when) } };
}

/** The draft of this tab, or a new one. */
export function currentDraft() {
  return { ...newDraft(), ...loadDraft() };
}

/** Whether nothing that was typed or chosen would be lost with a draft. */
export function isBlank({ editing, name, mode, rules, contents }) {
  const isWritten = Object.values(contents).some((content) => Object.values(content).some((value) => value.trim()));
  return !editing && !name.trim() && !mode && !rules.length && !isWritten;
}

export function contentOf(draft) {
  const filled = Object.entries(draft.contents[draft.mode] ?? {}).filter(([, value]) => value.trim() !== "");
  return Object.fromEntries(filled);
}

export function segmentsOf(draft, kind) {
  return [...new Set(draft.rules.filter((rule) => rule.kind === kind).flatMap((rule) => rule.ids))];
}

function audienceOf(draft) {
  const [include, exclude] = [segmentsOf(draft, "include"), segmentsOf(draft, "exclude")];
  if (!include.length) return {};
  return { segments: { include, ...(exclude.length ? { exclude } : {}) } };
}

/** What the API is asked for an estimate, null while there is nobody to count. */
export function estimateOf(draft) {
  if (!draft.mode || !segmentsOf(draft, "include").length) return null;
  return { target_mode: draft.mode, ...audienceOf(draft), estimate_only: true };
}

export function requestOf(draft) {
  return {
    name: draft.name.trim(),
    target_mode: draft.mode,
    ...audienceOf(draft),
    when: whenOf(draft.when),
    content: contentOf(draft),
    ...(draft.limit === "" ? {} : { users_limit_overall: Number(draft.limit) }),
  };
}

/** What the API is asked for an edit: all but a time that stays, which may be near. */
export function changesOf(draft) {
  const { target_mode: _, when, ...rest } = requestOf(draft);
  const { id, version, when: before } = draft.editing;
  return { id, version, users_limit_overall: null, ...rest, ...(when === before ? {} : { when }) };
}

function whenOf({ kind, date, time, segment, action }) {
  if (kind === "now") return "now";
  if (kind === "time") return localTimeOf({ date, time });
  return { type: "event", segment, action };
}

/** What is missing in a step, as the path of its field and what to do, or null. */
export const MISSING = {
  channel(draft) {
    if (!draft.name.trim()) return { path: "name", text: "Give the campaign a name." };
    return draft.mode ? null : { path: "target_mode", text: "Choose a channel." };
  },
  who(draft) {
    if (draft.rules.some((rule) => !rule.ids.length))
      return { path: "segments", text: "Choose at least one segment in each rule, or remove the rule." };
    return draft.rules.length && !segmentsOf(draft, "include").length
      ? { path: "segments", text: "Include a segment, too: an exclusion alone names nobody." }
      : null;
  },
  content(draft) {
    const content = contentOf(draft);
    const field = FIELDS[draft.mode].find(({ name, required }) => required && !content[name]);
    return field ? { path: `content.${field.name}`, text: "This is needed." } : null;
  },
  when(draft) {
    const { kind, date, time, segment } = draft.when;
    if (draft.editing && kind === "event") return { path: "when", text: "Choose a time." };
    if (kind === "event") return segment === null ? { path: "when", text: "Choose the segment." } : null;
    if (kind === "time" && (!date || !time)) return { path: "when", text: "Choose a day and a time." };
    return segmentsOf(draft, "include").length
      ? null
      : {
          path: "when",
          text: "Whom it goes to is open: include a segment under Who, or let it act on who joins or leaves one.",
        };
  },
  confirm: () => null,
};

/** Part what the API says into the path of the field that it names and the rest; null where it names none. */
export function placed(message) {
  const found = /^([a-z_]+(?:\.[a-z_]+|\[\d+\])*): (.*)$/s.exec(message);
  return found && stepOf(found[1]) ? { path: found[1], text: found[2] } : null;
}

/** The step in which a field of the request, by its path, is filled in. */
export function stepOf(path) {
  if (/^(name|target_mode)$/.test(path)) return "channel";
  if (/^(segments?|users_limit_overall)\b/.test(path)) return "who";
  if (/^(content|identity|event)\b/.test(path)) return "content";
  return /^when\b/.test(path) ? "when" : null;
}
