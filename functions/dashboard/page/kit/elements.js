// Elements are built here and nowhere else. What comes from the API is only ever set as text, never as markup.

import { moment, relative } from "./formats.js";

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `on…` properties are listeners, other properties attributes, children text or elements. */
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** An SVG element, in the same way. */
export function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A customer's text: kept apart from the text around it, whatever its direction, its spaces as they are. */
export function foreign(text, properties = {}) {
  return h("bdi", { class: "foreign", ...properties }, text);
}

/** A customer's text for an attribute, where there are no elements: between the characters that isolate it. */
export function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** Set text only where it differs, so that nothing flickers and no selection is lost; true where it did. */
export function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/**
 * Show a moment of the API in a list: how long ago it is, and where the pointer or the focus is all of it (kit/times.js), in
 * the reader's time zone or in an account's.
 */
export function showTime(element, at, accounts = null) {
  setAttribute(element, "datetime", at);
  setAttribute(element, "data-exact", moment(at, accounts));
  setAttribute(element, "data-zone", accounts);
  setAttribute(element, "tabindex", "0");
  setText(element, relative(at, accounts));
  return element;
}

/** Set an attribute only where it differs; null takes it away. */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Make the children of `parent` those of `items`, in their order; who stays keeps its element, and its focus. */
export function reconcile(parent, items, keyOf, create, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = before.get(key);
    before.delete(key);
    if (!element) {
      element = create(item);
      element.dataset.key = key;
    }
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
  for (const gone of before.values()) gone.remove();
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

/** Give the focus to `element` if what had it is gone or can't have it any more, so that the keyboard is never nowhere. */
export function keepFocus(element) {
  const focused = document.activeElement;
  if (!focused || focused === document.body || focused.disabled) element.focus({ preventScroll: true });
}

/** Show a number that has just changed for a moment (the style sheet leaves it out for who wants no motion). */
export function flash(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // starts the animation anew
  element.classList.add("changed");
}

let counter = 0;

/** A label and its control, tied together; `hint` is read with the control. */
export function field(label, control, hint = null) {
  counter += 1;
  control.id ||= `field-${counter}`;
  const told = hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (told) control.setAttribute("aria-describedby", told.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, told);
}

/** Say at a control what is wrong with it, so that it is read with it; null takes that away. */
export function setMistake(control, text) {
  const id = `${control.id}-mistake`;
  document.getElementById(id)?.remove();
  const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  if (control.matches("input, select, textarea")) setAttribute(control, "aria-invalid", text ? "true" : null);
  setAttribute(control, "aria-describedby", [...others, ...(text ? [id] : [])].join(" ") || null);
  if (text) control.after(h("p", { class: "mistake", id }, text));
}

/** A line of a list of facts: what it is, and its value. */
export function fact(label, ...content) {
  return h("div", {}, h("dt", {}, label), h("dd", {}, content));
}

/** Say something to who listens to the page. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A box that says what went wrong, and, with `retry`, a button to try again. */
export function problem(text, retry = null) {
  const again = retry && h("button", { type: "button", onclick: retry }, "Try again");
  return h("div", { class: "problem", role: "alert" }, h("p", {}, text), again);
}
