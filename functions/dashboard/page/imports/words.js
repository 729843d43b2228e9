// What an import does, has done and why not, in words.

import { counted, number, share } from "../kit/formats.js";

export const MODES = [
  ["add", "Add the file's users"],
  ["remove", "Remove the file's users"],
  ["replace", "Make the segment equal to the file"],
];

const STATES = {
  awaiting_upload: "waits for its file",
  reading: "being read",
  previewed: "to be applied",
  refused: "refused",
  applying: "being applied",
  done: "done",
  failed: "failed",
  cancelling: "being cancelled",
  cancelled: "cancelled",
  undoing: "being undone",
  undone: "undone",
};

export function modeLabel(mode) {
  return MODES.find(([value]) => value === mode)?.[1] ?? mode;
}

export function stateLabel(status) {
  return STATES[status] ?? status;
}

/** The class of a badge: as what went well, what did not, or neither. */
export function toneOf(status) {
  if (status === "done") return "active";
  return status === "refused" || status === "failed" ? "failed" : "";
}

/** Whether something is at work for it, so that its figures move. */
export function isAtWork({ status }) {
  return ["reading", "applying", "cancelling", "undoing"].includes(status);
}

function joined(parts, before = ", ") {
  return parts.filter(Boolean).join(before);
}

function rowsLeftOut({ rejected, duplicate, skipped }) {
  return [
    rejected && `${counted(rejected, "row")} can't be read`,
    duplicate && `${counted(duplicate, "row repeats", "rows repeat")} a user`,
    skipped && `${counted(skipped, "user does", "users do")} not exist and ${skipped === 1 ? "is" : "are"} left out`,
  ];
}

/** Whether applying it would change nothing. */
export function isIdle({ to_add, to_remove }) {
  return to_add + to_remove === 0;
}

/** What a preview says: `2,994 users will be added, 2,990 of them new; 4 rows can't be read.` */
export function previewSentence({ mode, preview }) {
  const { rows, unchanged, to_add: toAdd, to_create: toCreate, to_remove: toRemove } = preview;
  const changes = joined(
    [
      toAdd && joined([`${counted(toAdd, "user")} will be added`, toCreate && `${number(toCreate)} of them new`]),
      toRemove && `${toAdd ? number(toRemove) : counted(toRemove, "user")} will be removed`,
    ],
    ", and ",
  );
  const same = mode === "remove" ? "not in the segment" : "in it already";
  const rest = joined(
    [unchanged && `${number(unchanged)} ${unchanged === 1 ? "is" : "are"} ${same}`, ...rowsLeftOut(preview)],
    "; ",
  );
  if (!rows && !changes) return "The file has no rows. Nothing would change.";
  return `${joined([changes || "Nothing would change", rest], "; ")}.`;
}

/** What was read of the file so far. */
export function readingSentence({ preview }) {
  const told = preview?.rows ? `: ${counted(preview.rows, "row")} so far` : "";
  return `The file is being read and compared with the segment${told}.`;
}

/** What was changed: `2,979 users were added, 2,970 of them new, and 12 were removed.` */
export function resultSentence({ result }) {
  const { added, removed, created, superseded } = result;
  const were = (count) => (count === 1 ? "was" : "were");
  const changes = joined(
    [
      added && joined([`${counted(added, "user")} ${were(added)} added`, created && `${number(created)} of them new`]),
      removed && `${added ? number(removed) : counted(removed, "user")} ${were(removed)} removed`,
    ],
    ", and ",
  );
  const left = superseded && `${counted(superseded, "user")} ${were(superseded)} left alone, as others changed them meanwhile`;
  return `${joined([changes || "Nothing was changed", left], "; ")}.`;
}

export function undoSentence({ undo }) {
  const { added, removed, left_alone: leftAlone } = undo;
  const again = [
    removed && `${counted(removed, "user was", "users were")} removed again`,
    added && `${removed ? `${number(added)} ${added === 1 ? "was" : "were"}` : counted(added, "user was", "users were")} added again`,
  ];
  const parts = [
    joined(again, ", and "),
    leftAlone && `${counted(leftAlone, "user stays as they are", "users stay as they are")}, as others changed them since`,
  ];
  return `${joined(parts, "; ") || "Nothing was changed back"}.`;
}

/** The same in few words, for a list. */
export function figuresOf({ preview, result, undo, status }) {
  if (status === "undone" && undo) return joined([`${number(undo.removed)} removed again`, `${number(undo.added)} added again`]);
  if (result)
    return joined([
      `${number(result.added)} added`,
      result.removed && `${number(result.removed)} removed`,
      preview?.rejected && `${number(preview.rejected)} rejected`,
    ]);
  if (status === "previewed" || status === "refused")
    return joined([
      `${number(preview.to_add)} to add`,
      preview.to_remove && `${number(preview.to_remove)} to remove`,
      preview.rejected && `${number(preview.rejected)} rejected`,
    ]);
  return "";
}

export const GUARDS = {
  max_added: "added",
  max_removed: "removed",
  max_removed_percent: "percent of the members removed",
  max_created: "created",
  max_rejected: "rows rejected",
};

/** The limits of an import: `At most 20% of the members removed`. */
export function limitsOf({ guard }) {
  const told = Object.entries(guard).map(([name, most]) => {
    if (name === "max_removed_percent") return `${number(most)}% of the members removed`;
    return `${number(most)} ${name === "max_rejected" ? "rows" : "users"} ${GUARDS[name].replace("rows ", "")}`;
  });
  return told.length ? `At most ${joined(told)}` : "none";
}

const HIT = /^(max_\w+) is (\d+), and (\d+)(?: of (\d+))? /;

/** Which limit refused an import, and by how much: `{name, most, needed, text}`; null if that is not told. */
export function limitHit(reason) {
  const [, name, most, found, members] = HIT.exec(reason ?? "") ?? [];
  if (!(name in GUARDS)) return null;
  const [count, limit] = [Number(found), Number(most)];
  if (name === "max_removed_percent") {
    const needed = Number(members) ? Math.min(100, Math.ceil((100 * count) / Number(members))) : 100;
    const would = `It would remove ${number(count)} of ${counted(Number(members), "member")} (${share(count, Number(members))})`;
    return { name, needed, text: `${would}, and the limit is ${number(limit)}%. Nothing was changed.` };
  }
  const would = {
    max_added: `It would add ${counted(count, "user")}`,
    max_removed: `It would remove ${counted(count, "user")}`,
    max_created: `It would create ${counted(count, "user")}`,
    max_rejected: `${counted(count, "row")} can't be read`,
  };
  return { name, needed: count, text: `${would[name]}, and the limit is ${number(limit)}. Nothing was changed.` };
}

const BUSY = /another import at work, ([0-9a-f]{21})/;

/** The import that a segment is busy with, if that is why a call was refused. */
export function busyWith(message) {
  return BUSY.exec(message)?.[1] ?? null;
}
