// The limits that the page knows of, by the names of api_segments.core.limits: a test holds them to those.

export const MAX_ACTIVE_SEGMENTS = 2500;
export const MAX_SEGMENTS_PER_CREATE = 100;
export const MAX_USERS_PER_UPDATE = 100;
export const MAX_ID_CHARACTERS = 255;
export const MAX_TAGS = 20;
export const MAX_TAG_CHARACTERS = 50;
export const MAX_PAGE = 1000;
export const UPDATE_ERROR_DAYS = 30;
export const MAX_CAMPAIGN_SEGMENTS = 100;
export const MAX_USERS_LIMIT = 100_000_000;
export const MAX_DAYS_AHEAD = 365;
export const DELIVERY_LOG_DAYS = 90;
export const MAX_IMPORT_BYTES = 5_368_709_120;
export const IMPORT_FILE_DAYS = 30;
export const IMPORT_UNDO_DAYS = 7;
