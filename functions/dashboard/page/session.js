// Account and passcode, kept in this tab's session storage alone: gone when the tab is closed or signed out of.

const NAME = "api-segments";

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
}
