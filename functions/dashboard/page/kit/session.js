// Account, passcode and a campaign that is being written, kept in this tab's session storage alone: gone when the tab is
// closed or signed out of.

const NAME = "api-segments";
const DRAFT = "api-segments-campaign";

export function load() {
  try {
    const { account, passcode } = JSON.parse(sessionStorage.getItem(NAME));
    return account && passcode ? { account, passcode } : null;
  } catch {
    return null;
  }
}

export function save(session) {
  sessionStorage.setItem(NAME, JSON.stringify(session));
}

export function clear() {
  sessionStorage.removeItem(NAME);
  sessionStorage.removeItem(DRAFT);
}

export function loadDraft() {
  return JSON.parse(sessionStorage.getItem(DRAFT));
}

/** Keep the draft of a campaign; null forgets it. */
export function saveDraft(draft) {
  if (draft) sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  else sessionStorage.removeItem(DRAFT);
}
