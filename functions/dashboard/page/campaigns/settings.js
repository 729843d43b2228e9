// What the account has declared for its campaigns: time zone, senders, webhooks, push. Asked for once in a while.

const KEPT = 60_000;
const kept = new WeakMap(); // by api: {settings, at}

/** What was read a moment ago, or null. */
export function knownSettings(api) {
  const known = kept.get(api);
  return known && Date.now() - known.at < KEPT ? known.settings : null;
}

export async function readSettings(api, signal) {
  const { settings } = await api.ask("/1/targets/settings.json", {}, { signal });
  kept.set(api, { settings, at: Date.now() });
  return settings;
}

/** Why a campaign of this mode can't be made with what is declared, or null. */
export function lacking(mode, { senders, webhooks, push }) {
  if (mode === "email" && !senders.length) return "No sender's address is declared for this account.";
  if (mode === "email" && !senders.some((sender) => sender.verified)) return "No sender's address is verified yet.";
  if (mode === "webhook" && !webhooks.length) return "No webhook is declared for this account.";
  if (mode === "push" && !push.fcm && !push.apns) return "No push application is declared for this account.";
  return null;
}
