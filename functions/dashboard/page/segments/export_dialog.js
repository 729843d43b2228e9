// The dialog that writes the members of segments into files, and gives their links.

import { openDialog } from "../kit/dialogs.js";
import { announce, foreign, h, reconcile, setText } from "../kit/elements.js";
import { counted } from "../kit/formats.js";
import { IMPORT_FILE_DAYS } from "../kit/limits.js";
import { pause } from "../kit/timers.js";
import { forEachSegment } from "./batch.js";

const INTERVAL = 2_000;

/** Writing begins at once, and goes on if the dialog is closed; nothing is told of it then. */
export function exportDialog({ api, segments }) {
  const closing = new AbortController();
  const list = h("ul", { class: "exports" });
  const told = h("p", { role: "status" });
  const lines = new Map(segments.map((segment) => [segment.id, { segment, state: "waits", link: null }]));
  const count = counted(segments.length, "segment");
  const hint = `A file has a line a member: identity, guid and since when. Files are kept for ${IMPORT_FILE_DAYS} days.`;
  openDialog(`Export ${count}`, h("div", { class: "result" }, h("p", { class: "hint" }, hint), told, list), () =>
    closing.abort(),
  );
  run();

  async function run() {
    render();
    const failed = await forEachSegment(segments, follow, render);
    if (closing.signal.aborted) return;
    const done = segments.length - failed.length;
    setText(told, failed.length ? `${done} of ${count} written.` : `${count} written.`);
    announce(told.textContent);
  }

  async function follow(segment) {
    try {
      await writeOne(segment);
    } catch (error) {
      show(segment.id, { state: error.message, isBad: true });
      throw error;
    }
  }

  async function writeOne({ id }) {
    show(id, { state: "being written …" });
    let { export_id: exportId, ...found } = await api.change("POST", `/api/segments/${id}/export`);
    while (found.status === "writing") {
      await pause(INTERVAL, closing.signal);
      found = await api.get(`/api/exports/${exportId}`, {}, { signal: closing.signal });
    }
    if (found.status !== "done") throw new Error(found.reason ?? found.status);
    show(id, { state: counted(found.members, "member"), link: found.file });
  }

  function show(id, state) {
    Object.assign(lines.get(id), state);
    render();
  }

  function render() {
    reconcile(
      list,
      [...lines.values()],
      ({ segment }) => segment.id,
      ({ segment }) => h("li", {}, foreign(segment.segment_name), h("span", { class: "state" })),
      (item, { state, link, isBad, segment }) => {
        const shown = item.querySelector(".state");
        shown.classList.toggle("bad", Boolean(isBad));
        setText(shown, state);
        if (link && !item.querySelector("a"))
          item.append(h("a", { href: link, "aria-label": `Download ${segment.segment_name}` }, "Download"));
      },
    );
  }
}
