/** Who may do something when the operator does not say otherwise. */
export interface PolicyRule {
  readonly name: string;
  /** In the rule language: see `parseRule`. */
  readonly check: string;
  /** What was allowed before, and is still unless the new defaults are enforced. */
  readonly formerCheck?: string;
  readonly description: string;
  /** Method and path, for those that guard something. */
  readonly operations: readonly string[];
  /** Of the whole system's tokens none are taken where scopes are enforced. */
  readonly isProjectScoped: boolean;
}

interface BaseOptions {
  readonly isFormerlyAdmin?: boolean;
  readonly isProjectScoped?: boolean;
}

const base = (
  [name, check, description]: readonly [string, string, string],
  { isFormerlyAdmin = true, isProjectScoped = true }: BaseOptions = {},
): PolicyRule => ({
  name,
  check,
  ...(isFormerlyAdmin ? { formerCheck: 'role:admin' } : {}),
  description,
  operations: [],
  isProjectScoped,
});

const guard = (
  [name, description]: readonly [string, string],
  operations: readonly string[],
  check = 'rule:admin_or_service_api',
): PolicyRule => ({ name: `placement:${name}`, check, description, operations, isProjectScoped: true });

/** OpenStack Placement's own. https://docs.openstack.org/placement/latest/configuration/policy.html */
export const POLICY_RULES: readonly PolicyRule[] = [
  base(['admin_api', 'role:admin', 'What most others rested on.'], { isFormerlyAdmin: false }),
  base(['service_api', 'role:service', 'Other services of the cloud.']),
  base(['admin_or_service_api', 'role:admin or role:service', 'What most others rest on.']),
  base(['project_reader_api', 'role:reader and project_id:%(project_id)s', 'Readers of the project it is about.'], {
    isProjectScoped: false,
  }),
  base([
    'admin_or_project_reader_or_service_api',
    'role:admin or rule:project_reader_api or role:service',
    'Those who may see what a project uses.',
  ]),

  guard(['resource_providers:list', 'List resource providers.'], ['GET /resource_providers']),
  guard(['resource_providers:create', 'Create a resource provider.'], ['POST /resource_providers']),
  guard(['resource_providers:show', 'Show a resource provider.'], ['GET /resource_providers/{uuid}']),
  guard(['resource_providers:update', 'Rename a resource provider, or move it.'], ['PUT /resource_providers/{uuid}']),
  guard(['resource_providers:delete', 'Delete a resource provider.'], ['DELETE /resource_providers/{uuid}']),

  guard(['resource_classes:list', 'List resource classes.'], ['GET /resource_classes']),
  guard(['resource_classes:create', 'Create a resource class.'], ['POST /resource_classes']),
  guard(['resource_classes:show', 'Show a resource class.'], ['GET /resource_classes/{name}']),
  guard(['resource_classes:update', 'Create or rename a resource class.'], ['PUT /resource_classes/{name}']),
  guard(['resource_classes:delete', 'Delete a resource class.'], ['DELETE /resource_classes/{name}']),

  guard(
    ['resource_providers:inventories:list', "List a resource provider's inventories."],
    ['GET /resource_providers/{uuid}/inventories'],
  ),
  guard(
    ['resource_providers:inventories:create', 'Create one inventory of a resource provider.'],
    ['POST /resource_providers/{uuid}/inventories'],
  ),
  guard(
    ['resource_providers:inventories:show', 'Show one inventory of a resource provider.'],
    ['GET /resource_providers/{uuid}/inventories/{resource_class}'],
  ),
  guard(
    ['resource_providers:inventories:update', "Change a resource provider's inventories."],
    ['PUT /resource_providers/{uuid}/inventories', 'PUT /resource_providers/{uuid}/inventories/{resource_class}'],
  ),
  guard(
    ['resource_providers:inventories:delete', "Delete a resource provider's inventories."],
    ['DELETE /resource_providers/{uuid}/inventories', 'DELETE /resource_providers/{uuid}/inventories/{resource_class}'],
  ),

  guard(
    ['resource_providers:aggregates:list', "List a resource provider's aggregates."],
    ['GET /resource_providers/{uuid}/aggregates'],
  ),
  guard(
    ['resource_providers:aggregates:update', "Set a resource provider's aggregates."],
    ['PUT /resource_providers/{uuid}/aggregates'],
  ),

  guard(
    ['resource_providers:usages', 'Show what of a resource provider is used.'],
    ['GET /resource_providers/{uuid}/usages'],
  ),
  guard(['usages', 'Show what a project uses.'], ['GET /usages'], 'rule:admin_or_project_reader_or_service_api'),

  guard(['traits:list', 'List traits.'], ['GET /traits']),
  guard(['traits:show', 'Show whether there is a trait.'], ['GET /traits/{name}']),
  guard(['traits:update', 'Create a trait.'], ['PUT /traits/{name}']),
  guard(['traits:delete', 'Delete a trait.'], ['DELETE /traits/{name}']),
  guard(
    ['resource_providers:traits:list', "List a resource provider's traits."],
    ['GET /resource_providers/{uuid}/traits'],
  ),
  guard(
    ['resource_providers:traits:update', "Set a resource provider's traits."],
    ['PUT /resource_providers/{uuid}/traits'],
  ),
  guard(
    ['resource_providers:traits:delete', "Take away a resource provider's traits."],
    ['DELETE /resource_providers/{uuid}/traits'],
  ),

  guard(['allocations:manage', 'Set allocations of several consumers.'], ['POST /allocations']),
  guard(['allocations:list', "List a consumer's allocations."], ['GET /allocations/{consumer_uuid}']),
  guard(['allocations:update', "Set a consumer's allocations."], ['PUT /allocations/{consumer_uuid}']),
  guard(['allocations:delete', "Delete a consumer's allocations."], ['DELETE /allocations/{consumer_uuid}']),
  guard(
    ['resource_providers:allocations:list', 'List allocations of a resource provider.'],
    ['GET /resource_providers/{uuid}/allocations'],
  ),
  guard(['allocation_candidates:list', 'List allocation candidates.'], ['GET /allocation_candidates']),
  guard(['reshaper:reshape', 'Move inventories and allocations at once.'], ['POST /reshaper'], 'rule:service_api'),
];
