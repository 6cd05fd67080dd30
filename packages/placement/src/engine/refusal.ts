/** Why something is refused, in the words of the API's error codes. https://docs.openstack.org/api-ref/placement/#error-codes */
export type RefusalCode =
  | 'placement.undefined_code'
  | 'placement.inventory.inuse'
  | 'placement.concurrent_update'
  | 'placement.duplicate_name'
  | 'placement.resource_provider.inuse'
  | 'placement.resource_provider.cannot_delete_parent'
  | 'placement.resource_provider.not_found'
  | 'placement.query.duplicate_key'
  | 'placement.query.bad_value'
  | 'placement.query.missing_value';

const STATUSES = { 'bad-request': 400, forbidden: 403, 'not-found': 404, conflict: 409 } as const;

/** What was asked for cannot be. It depends on what is stored, so a store brings its index up to date and plans again before it tells. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: keyof typeof STATUSES;
  readonly code: RefusalCode;

  constructor(kind: keyof typeof STATUSES, message: string, code: RefusalCode = 'placement.undefined_code') {
    super(message);
    this.kind = kind;
    this.code = code;
  }

  get status(): number {
    return STATUSES[this.kind];
  }
}
