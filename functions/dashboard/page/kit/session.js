// Account, passcode and a campaign that is being written, kept in this tab's session storage: gone when the tab is closed or
// signed out of. Open tabs of this browser hand the session to a new one; only who chooses to stay signed in has it in the
// local storage, too.

const NAME = "api-segments";
const DRAFT = "api-segments-campaign";
const DRAFT_OF = "api-segments-campaign-of"; // the account that a draft was left in when its session ended by itself

const channel = new BroadcastChannel(NAME);
const TAB = crypto.getRandomValues(new Uint32Array(2)).join("-");

export function load() {
  return read(sessionStorage) ?? read(localStorage);
}

function read(storage) {
  try {
    const { account, passcode } = JSON.parse(storage.getItem(NAME));
    return account && passcode ? { account, passcode } : null;
  } catch {
    return null;
  }
}

/** Keep a session for as long as this tab is open; with `stays`, on this device until it is signed out of. */
export function save({ account, passcode }, stays = false) {
  const text = JSON.stringify({ account, passcode });
  sessionStorage.setItem(NAME, text);
  if (stays) localStorage.setItem(NAME, text);
  const owner = sessionStorage.getItem(DRAFT_OF);
  if (owner !== null && owner !== account) saveDraft(null);
  sessionStorage.removeItem(DRAFT_OF);
}

/** Forget the session and the draft, in the other tabs of this browser as well. */
export function signOut() {
  forget();
  channel.postMessage({ kind: "sign out" });
}

function forget() {
  for (const name of [NAME, DRAFT, DRAFT_OF]) sessionStorage.removeItem(name);
  localStorage.removeItem(NAME);
}

/** Forget a session that the API takes no more; the draft waits for the same account. Returns whether there is one. */
export function drop(session) {
  sessionStorage.removeItem(NAME);
  if (isSame(read(localStorage), session)) localStorage.removeItem(NAME);
  if (!sessionStorage.getItem(DRAFT)) return false;
  sessionStorage.setItem(DRAFT_OF, session.account);
  return true;
}

function isSame(one, other) {
  return one !== null && one.account === other.account && one.passcode === other.passcode;
}

/**
 * Answer tabs of this browser that ask for a session with that of `current()`, and hear what they tell: `onsession` of one that
 * `askTabs` asked for, `onsignout` when they are signed out.
 */
export function shareSession({ current, onsession, onsignout }) {
  channel.addEventListener("message", ({ data: { kind, to, session } }) => {
    const own = current();
    if (kind === "ask" && own) channel.postMessage({ kind: "session", to, session: own });
    if (kind === "session" && to === TAB && !own) onsession(session);
    if (kind === "sign out") {
      forget();
      if (own) onsignout();
    }
  });
}

export function askTabs() {
  channel.postMessage({ kind: "ask", to: TAB });
}

export function loadDraft() {
  return JSON.parse(sessionStorage.getItem(DRAFT));
}

/** Keep the draft of a campaign; null forgets it. */
export function saveDraft(draft) {
  if (draft) sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  else sessionStorage.removeItem(DRAFT);
}
