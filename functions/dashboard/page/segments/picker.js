// Choosing segments: a search over all of them, and boxes to tick, or, for one alone, dots.

import { select } from "./search.js";
import { field, foreign, h, reconcile, setText } from "../kit/elements.js";
import { counted, number } from "../kit/formats.js";

const MATCHES = 50;
let counter = 0;

/** `chosen` gives the ids that are chosen now; `onchange(id, isChosen)` is told of a click. */
export function segmentPicker({ catalogue, signal, label, single = false, chosen, onchange }) {
  counter += 1;
  const name = `picker-${counter}`;
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const list = h("div", { class: "picks", role: "group", "aria-label": label, id: name });
  const told = h("p", { class: "hint", role: "status" });
  search.addEventListener("input", render);
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  catalogue.addEventListener("change", render, { signal });
  render();
  return {
    element: h("div", { class: "picker" }, field("Search by name, id or tag", search), list, told),
    control: list,
    focus: () => search.focus(),
    render,
  };

  function render() {
    const active = [...catalogue.segments.values()].filter((segment) => segment.status === "active");
    const fitting = select(active, { search: search.value, sort: "name", descending: false });
    reconcile(list, fitting.slice(0, MATCHES), (segment) => segment.id, createRow, updateRow);
    list.hidden = fitting.length === 0;
    const none = !catalogue.complete
      ? (catalogue.failure?.message ?? "Loading …")
      : search.value
        ? "No segment has all of this in its name, ids, tags or description."
        : "There are no segments yet.";
    const some =
      fitting.length > MATCHES ? `The first ${MATCHES} of ${number(fitting.length)}: search for others.` : "";
    setText(told, fitting.length ? some : none);
  }

  function createRow(segment) {
    const box = h("input", { type: single ? "radio" : "checkbox", name });
    box.addEventListener("change", () => onchange(segment.id, box.checked));
    return h(
      "label",
      {},
      box,
      h("span", { class: "what clamped" }, foreign(""), h("small", {})),
      h("span", { class: "count" }),
    );
  }

  function updateRow(row, segment) {
    row.firstChild.checked = chosen().includes(segment.id);
    setText(row.querySelector("bdi"), segment.segment_name);
    setText(row.querySelector("small"), segment.customer_segment_id ?? "");
    setText(row.querySelector(".count"), counted(segment.members, "member"));
  }
}
