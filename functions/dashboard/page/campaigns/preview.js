// A rendered message, much as the one who gets it sees it. All of it is text, but for a mail's body, which has a frame.

import { foreign, h, setText } from "../kit/elements.js";
import { mailFrame } from "./mail_frame.js";

/** `show` takes the rendered fields. */
export function previewOf(mode) {
  if (mode === "email") return mailPreview();
  if (mode === "webhook") return webhookPreview();
  return mode === "push" || mode === "webpush" ? notePreview() : bubblePreview();
}

function mailPreview() {
  const [from, replies, subject] = [foreign(""), foreign(""), foreign("")];
  const repliesRow = h("div", {}, h("dt", {}, "Replies to"), h("dd", {}, replies));
  const frame = mailFrame("Body of the mail");
  const text = foreign("");
  const element = h(
    "div",
    { class: "letter", hidden: true },
    h(
      "dl",
      {},
      h("div", {}, h("dt", {}, "From"), h("dd", {}, from)),
      repliesRow,
      h("div", {}, h("dt", {}, "Subject"), h("dd", {}, h("strong", {}, subject))),
    ),
    frame.element,
    h("p", { class: "hint" }, "Pictures from elsewhere are not loaded here."),
    h("details", {}, h("summary", {}, "As text, for programs that show no HTML"), h("pre", {}, text)),
  );
  return {
    element,
    show(rendered) {
      setText(from, rendered.sender_name ? `${rendered.sender_name} <${rendered.sender}>` : rendered.sender);
      setText(replies, rendered.reply_to ?? "");
      repliesRow.hidden = !rendered.reply_to;
      setText(subject, rendered.subject);
      frame.show(rendered.body);
      setText(text, rendered.text ?? "");
    },
  };
}

function bubblePreview() {
  const text = foreign("");
  const size = h("p", { class: "hint" });
  const element = h("div", { hidden: true }, h("div", { class: "bubble" }, text), size);
  return {
    element,
    show({ body }) {
      setText(text, body);
      setText(size, `${[...body].length} characters`);
    },
  };
}

function notePreview() {
  const [title, text, link] = [foreign(""), foreign(""), foreign("")];
  const linkRow = h("p", { class: "hint" }, "Opens ", link);
  const element = h(
    "div",
    { hidden: true },
    h("div", { class: "note" }, h("strong", {}, title), h("div", {}, text)),
    linkRow,
  );
  return {
    element,
    show(rendered) {
      setText(title, rendered.title);
      setText(text, rendered.body);
      setText(link, rendered.deep_link ?? "");
      linkRow.hidden = !rendered.deep_link;
    },
  };
}

function webhookPreview() {
  const address = foreign("");
  const text = h("code", { dir: "auto" });
  const element = h(
    "div",
    { hidden: true },
    h("p", { class: "hint" }, "POST ", address),
    h("pre", { tabindex: "0", role: "region", "aria-label": "Body of the call" }, text),
  );
  return {
    element,
    show({ url, body }) {
      setText(address, url ?? "");
      setText(text, pretty(body ?? ""));
    },
  };
}

/** JSON with its lines apart; what is no JSON as it is. */
function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
