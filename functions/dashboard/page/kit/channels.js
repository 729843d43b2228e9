// The channels that a user may be reached on, as api_segments.core.channels names them, and what they are called.

export const CHANNELS = [
  ["email", "Email"],
  ["sms", "SMS"],
  ["whatsapp", "WhatsApp"],
  ["push", "Push"],
  ["web_push", "Web push"],
];
