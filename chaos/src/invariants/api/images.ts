import type { Rule } from '../rule.js';

const AT_REST: readonly string[] = ['queued', 'active', 'deactivated'];

/** No image waits for ever, and nobody follows a snapshot any more. */
export const imagesAreSettled: Rule = ({ world }) => [
  ...world.api
    .images()
    .filter(({ status }) => !AT_REST.includes(status))
    .map(({ id, status }) => ({ rule: 'image stuck', what: `${id} is ${status}` })),
  ...world.api.orders().map((id) => ({ rule: 'image stuck', what: `the snapshot for ${id} is still followed` })),
];

/** Each folder has contents of images, and nothing else; each content is in a folder. */
export const contentsAreThere: Rule = ({ world }) => {
  const wanted = new Set(
    world.api
      .images()
      .flatMap(({ blob, staged }) => [blob, staged].flatMap((one) => (one ? [`${one.sha256}.img`] : []))),
  );
  const there = new Set([...world.contents.values()].flat());
  return [
    ...[...wanted]
      .filter((name) => !there.has(name))
      .map((name) => ({ rule: 'content lost', what: `${name} is nowhere` })),
    ...[...world.contents].flatMap(([folder, names]) =>
      names.filter((name) => !wanted.has(name)).map((name) => ({ rule: 'content left', what: `${name} in ${folder}` })),
    ),
  ];
};
