// What a program of a customer's would write; `tsc --strict` checks it against the generated types.
import type { components, operations } from "./openapi.js";

type Schemas = components["schemas"];

const created: Schemas["CreateSegmentsRequest"] = [{ segment_name: "Premium Users", customer_segment_id: "SEG12345" }];
const update: Schemas["UpdateMembersRequest"] = {
  bulk_profiles: [
    {
      user_profiles: [{ identity: "CT123456" }, { guid: "abcde12345" }],
      segments: [{ ct_segment_id: "1763901234567890", action: "ADD" }],
    },
  ],
};
const upload: Schemas["UploadProfilesRequest"] = {
  d: [
    { type: "profile", identity: "CT123456", profileData: { Email: "ada@example.com", "Favourite shop": "Leeds" } },
    { type: "token", identity: "CT123456", tokenData: { id: "demo-token-1", type: "fcm" } },
  ],
};
const campaign: Schemas["CreateCampaignRequest"] = {
  name: "Spring sale",
  target_mode: "email",
  segments: { include: [1763901234567890, { customer_segment_id: "SEG12345" }] },
  when: { type: "event", segment: 1763901234567890, action: "ADD" },
  content: { subject: "Spring", body: "<p>Hello</p>" },
};

export function shown(segment: Schemas["Segment"]): string {
  const id: number = segment.id;
  const deleted: string | null = segment.deleted_at;
  return `${id} ${segment.segment_name} ${segment.reachable.web_push} ${deleted ?? segment.status}`;
}

export function asked(record: Schemas["UploadRecord"]): string {
  // The discriminator tells the two apart.
  return record.type === "token" ? record.tokenData.id : (record.profileData.Email?.toString() ?? "");
}

export function subject(campaign: Schemas["CampaignWithContent"]): string {
  return campaign.target_mode === "email" ? campaign.content.subject : campaign.name;
}

// @ts-expect-error: an SMS has no subject
const wrongContent: Schemas["CreateCampaignRequest"] = { target_mode: "sms", content: { subject: "Spring", body: "Hi" } };
// @ts-expect-error: there is no such action
const wrongAction: Schemas["SegmentAction"] = { customer_segment_id: "SEG12345", action: "TOGGLE" };
// @ts-expect-error: a record of a token has no attributes
const wrongRecord: Schemas["UploadRecord"] = { type: "token", identity: "CT123456", profileData: {} };

type Listed = operations["listSegments"]["responses"]["200"]["content"]["application/json"];
export const names = (page: Listed): string[] => page.segments.map((segment) => segment.segment_name);
export const requests = [created, update, upload, campaign, wrongContent, wrongAction, wrongRecord];
