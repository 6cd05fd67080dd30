/**
 * Who may do what, in the rule language of OpenStack. What somebody may not see is not there for him: routes answer 404 before a rule is
 * asked. Who may make an image public, or another project's, depends on bodies: see `engine/access.ts`.
 */

const ADMIN = 'rule:admin';
const READER = `${ADMIN} or (role:reader and scope:project)`;
const MEMBER = `${ADMIN} or (role:member and scope:project)`;
const OWNER = `${ADMIN} or (role:member and project_id:%(project_id)s)`;
const SHARED = "project_id:%(member_id)s or 'public':%(visibility)s or 'community':%(visibility)s";

export const RULES: Readonly<Record<string, string>> = {
  admin: 'role:admin and (scope:project or scope:system)',

  get_images: READER,
  get_image: READER,
  add_image: MEMBER,
  modify_image: OWNER,
  delete_image: OWNER,
  upload_image: OWNER,
  stage_image: OWNER,
  import_image: OWNER,
  download_image: `${OWNER} or (role:member and (${SHARED}))`,
  deactivate: OWNER,
  reactivate: OWNER,
  get_image_tasks: `${ADMIN} or (role:reader and project_id:%(project_id)s)`,

  get_members: `${ADMIN} or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))`,
  get_member: `${ADMIN} or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))`,
  add_member: OWNER,
  delete_member: OWNER,
  modify_member: `${ADMIN} or (role:member and project_id:%(member_id)s)`,

  get_schemas: READER,
  get_import_info: READER,
  get_tasks: ADMIN,
  get_task: ADMIN,
};
