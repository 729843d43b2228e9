// The dialog that deletes segments for ever, once what they are is typed.

import { openDialog } from "../kit/dialogs.js";
import { announce, field, foreign, h, isolated, keepFocus, problem } from "../kit/elements.js";
import { counted } from "../kit/formats.js";
import { failures, forEachSegment } from "./batch.js";

const SHOWN = 10; // names of several
const CAMPAIGN = /(\d{13,16}) \((.*?)\)(?=, \d{13,16} \(| and \d+ more$|$)/gs; // as the API lists them

/** Delete one or several; `ondone` is told when some are. */
export function deleteDialog({ api, segments, ondone }) {
  const [first, ...others] = segments;
  const count = counted(segments.length, "segment");
  const members = segments.reduce((sum, segment) => sum + segment.members, 0);
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", required: true });
  const outcome = h("div", { role: "status" });
  const submit = h("button", { class: "danger", disabled: true }, "Delete for ever");
  const same = (text) => text.normalize("NFC").trim();
  const words = others.length ? [`delete ${count}`] : [first.segment_name, String(first.id)]; // some names can't be typed
  input.addEventListener("input", () => (submit.disabled = !words.map(same).includes(same(input.value))));
  const what = others.length
    ? h("p", {}, `This deletes ${count}, with ${counted(members, "membership")}, for ever:`)
    : h("p", {}, "This deletes ", h("strong", {}, foreign(first.segment_name)), ` with its ${counted(members, "member")} for ever.`);
  const typing = others.length
    ? field(`Type "${words[0]}" to confirm`, input)
    : field("Type the name to confirm", input, `Or the id, ${first.id}.`);
  const meaning =
    "Users stay. Updates to what is deleted are refused from now on, and a customer id can't be used again. No event is sent for the members.";
  const form = h(
    "form",
    { onsubmit: send },
    what,
    others.length ? namesOf(segments) : null,
    h("p", {}, meaning),
    typing,
    outcome,
    h("footer", {}, submit),
  );
  const dialog = openDialog(others.length ? `Delete ${count}` : `Delete ${isolated(first.segment_name)}`, form);
  input.focus();

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    dialog.hold(true);
    const tell = (done) => others.length && outcome.replaceChildren(h("p", {}, `${done} of ${count} done …`));
    tell(0);
    const failed = await forEachSegment(segments, (segment) => api.delete(segment.id), tell);
    dialog.hold(false);
    if (failed.length < segments.length) ondone();
    if (!failed.length) {
      dialog.close();
      announce(others.length ? `Deleted ${count}` : "Deleted");
    } else if (others.length) {
      outcome.replaceChildren(failures(failed, "deleted", reasonOf));
      input.disabled = true; // what is left is chosen anew
    } else {
      outcome.replaceChildren(singleFailure(failed[0].error));
      submit.disabled = false;
      keepFocus(submit);
    }
  }
}

function namesOf(segments) {
  const rest = segments.length - SHOWN;
  return h(
    "ul",
    { class: "names" },
    segments.slice(0, SHOWN).map((segment) => h("li", {}, foreign(segment.segment_name))),
    rest > 0 ? h("li", {}, `and ${counted(rest, "other")}`) : null,
  );
}

/** Why one can't be deleted now: as a rule campaigns that use it, which the error names. */
function singleFailure(error) {
  const using = campaignsIn(error);
  if (!using.length) return problem(error.message);
  const box = problem("It can't be deleted while campaigns that are scheduled or running use it. Stop them, or wait:");
  box.append(h("ul", {}, using.map((each) => h("li", {}, each))));
  return box;
}

function reasonOf(error) {
  const using = campaignsIn(error);
  return using.length ? ["used by ", ...using.flatMap((each, index) => (index ? [", ", each] : [each]))] : error.message;
}

/** Links to the campaigns that an error names, and how many more there are. */
function campaignsIn({ status, message }) {
  if (status !== 409) return [];
  const links = [...message.matchAll(CAMPAIGN)].map(([, id, name]) => h("a", { href: `#/campaigns/${id}` }, foreign(name)));
  const more = / and (\d+ more)$/.exec(message);
  return links.length && more ? [...links, more[1]] : links;
}
