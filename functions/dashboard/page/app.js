// The page: who is signed in, and which view the address asks for.

import { Api, ApiError } from "./kit/api.js";
import { campaignView } from "./campaigns/campaign.js";
import { campaignsView } from "./campaigns/list.js";
import { Catalogue } from "./segments/catalogue.js";
import { closeDialogs, confirmDialog, isHeld } from "./kit/dialogs.js";
import { announce, h, setAttribute } from "./kit/elements.js";
import { clock } from "./kit/formats.js";
import { importDialog } from "./imports/new.js";
import { importView } from "./imports/import.js";
import { importsView } from "./imports/list.js";
import { Uploads } from "./imports/uploads.js";
import { errorsView } from "./segments/update_errors.js";
import { currentDraft, isBlank } from "./campaigns/draft.js";
import { newCampaignView } from "./campaigns/new.js";
import { listView } from "./segments/list.js";
import { segmentView } from "./segments/segment.js";
import { askTabs, drop, load, save, shareSession, signOut } from "./kit/session.js";
import { refusal, signInView } from "./accounts/sign_in.js";
import { Slowness } from "./kit/slowness.js";
import { keepTimes } from "./kit/times.js";
import { usageView } from "./accounts/usage.js";
import { addressView } from "./users/address.js";
import { userView } from "./users/user.js";

const ROUTES = [
  [/^\/$/, "segments", (context) => listView(context)],
  [
    /^\/segments\/(\d+)$/,
    "segments",
    (context, id) =>
      segmentView({ ...context, id: Number(id), importFile: (wanted) => importDialog({ ...context, ...wanted }) }),
  ],
  [/^\/imports$/, "imports", (context) => importsView(context)],
  [/^\/imports\/([0-9a-f]{21})$/, "imports", (context, id) => importView({ ...context, id })],
  [/^\/campaigns$/, "campaigns", (context) => campaignsView(context)],
  [/^\/campaigns\/new(?:\/(\w+))?$/, "campaigns", (context, step) => newCampaignView(context, step)],
  [/^\/campaigns\/(\d+)$/, "campaigns", (context, id) => campaignView({ ...context, id: Number(id) })],
  [/^\/users$/, "users", (context) => userView(context)],
  [
    /^\/users\/(identity|guid)\/(.+)$/,
    "users",
    (context, kind, value) => userView({ ...context, kind, value: decoded(value) }),
  ],
  [/^\/addresses$/, "users", (context) => addressView(context)],
  [/^\/errors$/, "errors", (context) => errorsView(context)],
  [/^\/usage$/, "usage", (context) => usageView(context)],
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const places = new Map(); // how far each address was scrolled
const slowness = new Slowness();
const HANDING = 200; // milliseconds that other tabs have to hand their session over before this one asks for it
let signedIn = null; // {session, api, catalogue, uploads}
let refused = null; // the session that the API took no more
let showing = null; // what ends the view that is shown
let shown = null;

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function begin(session) {
  const api = new Api(session);
  const request = api.request.bind(api);
  api.request = async (method, ...rest) => {
    try {
      return await slowness.watch(request(method, ...rest));
    } catch (error) {
      // A passcode may be revoked, an account disabled or moved to another plan, while the page is open.
      // A 403 alone may be of one address (a firewall's, say): over it is when signing in would be refused as well.
      const isOver =
        error instanceof ApiError &&
        (error.status === 401 || (error.status === 403 && (await refusal(session))?.isOver));
      if (isOver && signedIn?.api === api) expire(session, error.message);
      throw error;
    }
  };
  signedIn = { session, api, catalogue: new Catalogue(api), uploads: new Uploads(api) };
  places.clear();
  document.getElementById("account").textContent = session.account;
  nav.hidden = false;
  route();
}

/** The API takes the session no more. */
function expire(session, reason) {
  refused = session;
  const isKept = drop(session);
  end(`Signed out: ${reason}${isKept ? " The campaign that you were writing is kept in this tab: sign in to the same account to go on." : ""}`);
}

function end(reason = null) {
  signedIn?.uploads.end();
  signedIn = null;
  showing?.abort();
  closeDialogs();
  nav.hidden = true;
  const view = signInView({
    reason,
    slowness,
    onsession: (session, stays) => {
      save(session, stays);
      begin(session);
    },
  });
  show(view, null);
  view.focus();
}

function route() {
  if (!signedIn) return;
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?", 2);
  showing?.abort();
  showing = new AbortController();
  const context = {
    ...signedIn,
    query: new URLSearchParams(query),
    signal: showing.signal,
    go: (address) => (location.hash = address),
    renew: route,
  };
  for (const [pattern, section, make] of ROUTES) {
    const found = pattern.exec(path);
    if (found) {
      show(make(context, ...found.slice(1)), section);
      return;
    }
  }
  show(
    {
      element: h(
        "section",
        {},
        h("h1", { tabindex: "-1" }, "There is no such page"),
        h("p", {}, h("a", { href: "#/" }, "All segments")),
      ),
      title: "No such page",
    },
    null,
  );
}

function show(view, section) {
  const isFirst = shown === null;
  shown = location.hash;
  main.replaceChildren(view.element);
  document.title = `${view.title} · API Segments`;
  for (const link of nav.querySelectorAll("a"))
    setAttribute(link, "aria-current", link.dataset.section === section ? "page" : null);
  window.scrollTo(0, places.get(shown) ?? 0);
  if (!isFirst) view.element.querySelector("h1").focus({ preventScroll: true });
}

window.addEventListener("hashchange", (event) => {
  if (isHeld()) {
    history.pushState(null, "", event.oldURL); // what the dialog does would go on unseen
    return;
  }
  closeDialogs();
  route();
});
window.addEventListener("scroll", () => places.set(location.hash, window.scrollY), { passive: true });
document.getElementById("signout").addEventListener("click", () => {
  if (isBlank(currentDraft())) leave();
  else
    confirmDialog({
      title: "Sign out?",
      text: "The campaign that you are writing in this tab is discarded. All tabs of this browser are signed out.",
      label: "Sign out",
      act: leave,
    });
});

function leave() {
  signOut();
  end();
  announce("Signed out");
}

/** Say while there is no network of when the figures are: they stay as they were then, and are read again once there is. */
function showOffline() {
  const told = document.getElementById("offline");
  told.hidden = navigator.onLine;
  const figures = ` Figures stay as they were at ${clock(new Date())}, and are read again when you are back online.`;
  told.textContent = navigator.onLine ? "" : `You are offline.${signedIn ? figures : ""}`;
}
for (const kind of ["offline", "online"]) window.addEventListener(kind, showOffline);
showOffline();

shareSession({
  current: () => signedIn?.session ?? null,
  onsession: (session) => {
    if (refused?.account === session.account && refused.passcode === session.passcode) return;
    save(session);
    begin(session);
  },
  onsignout: () => end("Signed out in another tab."),
});
document.addEventListener("visibilitychange", () => signedIn || document.hidden || askTabs());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address's hash is the view's
  main.focus();
});
// A file that misses its target must not replace the page.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());

keepTimes();
const session = load();
if (session) {
  save(session);
  begin(session);
} else {
  askTabs();
  setTimeout(() => shown === null && end(), HANDING);
}
