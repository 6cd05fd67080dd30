/** Patterns that several schemas share. */
export const RESOURCE_CLASS_PATTERN = '^[A-Z0-9_]+$';
export const CUSTOM_NAME_PATTERN = '^CUSTOM_[A-Z0-9_]+$';
export const CONSUMER_TYPE_PATTERN = '^[A-Z0-9_]+$';
export const UUID_PATTERN = '^[0-9a-fA-F-]{36}$';
