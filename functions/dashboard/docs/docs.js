/* The API's description, as Swagger UI shows it: in the system's colours, calling the API that the page came from, and
   with the names and levels for screen readers that Swagger UI leaves out. */

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

const MENDED = [
  ["h3.opblock-tag, .models > h4, .modal-ux-header > h3", { "aria-level": "2", role: "heading" }],
  [".opblock h4, .modal-ux-content h4", { "aria-level": "3", role: "heading" }],
  [".opblock h5", { "aria-level": "4", role: "heading" }],
  ["#servers", { "aria-label": "Server" }],
  ["select:not([aria-label], [id])", { "aria-label": "Value" }],
  ["table[role=region]", { role: "table" }],
  [".close-modal", { "aria-label": "Close" }],
  [".highlight-code > pre", { tabindex: "0" }],
  [".copy-to-clipboard > button", { "aria-label": "Copy" }],
];

function mend() {
  for (const [selector, attributes] of MENDED) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (element.getAttribute(name) !== value) element.setAttribute(name, value);
      }
    }
  }
}
new MutationObserver(mend).observe(document.getElementById("api"), { childList: true, subtree: true });

fetch("openapi.json")
  .then((answer) => answer.json())
  .then((description) => {
    const here = new URL(".", location.href).href.replace(/\/$/, "");
    const spec = { ...description, servers: [{ url: here, description: "This stack." }] };
    SwaggerUIBundle({ spec, dom_id: "#api", docExpansion: "list", validatorUrl: null });
  });
