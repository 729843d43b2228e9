// Users who are added to a segment or removed from it, as many as one request takes.

import { MAX_USERS_PER_UPDATE } from "../kit/limits.js";

const PATH_OF_A_USER = /^bulk_profiles\[0\]\.user_profiles\[\d+\]\.?/;

/** Add users, `{identity}` or `{guid}`, to a segment or remove them: `{summary, refused}`, of these each with why. */
export async function changeMany(api, users, segmentId, action) {
  if (users.length > MAX_USERS_PER_UPDATE) throw new Error(`At most ${MAX_USERS_PER_UPDATE} users at once.`);
  const segments = [{ ct_segment_id: String(segmentId), action }];
  const { summary, unprocessed } = await api.update({ bulk_profiles: [{ user_profiles: users, segments }] });
  const refused = unprocessed.flatMap(({ error, record }) => {
    // Of one who could not be read it may say only at which index they are.
    const named = Array.isArray(record.user_profiles) ? record.user_profiles : [users[record.user_profiles]];
    return named.map((user) => ({ user, error: error.replace(PATH_OF_A_USER, "") }));
  });
  return { summary, refused };
}

/** Add one user to a segment or remove them; rejects with what the API says against it. */
export async function changeOne(api, user, segmentId, action) {
  const { summary, refused } = await changeMany(api, [user], segmentId, action);
  if (refused.length) throw new Error(refused[0].error);
  return summary;
}
