import type { Rule, Violation } from './rule.js';

export const foreignIsUntouched: Rule = ({ world, foreign }) => {
  const violations: Violation[] = [];
  const touched = (what: string): void => void violations.push({ rule: 'foreign thing touched', what });
  if (world.otherKeys.get(foreign.key) !== foreign.value) touched(`the key ${foreign.key}`);
  for (const { host, domains } of world.hosts) {
    const domain = domains.find(({ uuid }) => uuid === foreign.domains.get(host));
    if (domain?.state !== 'running') touched(`the domain ${foreign.domains.get(host) ?? '?'} on ${host}`);
    const held = world.allocations.find(({ consumer, host: at }) => consumer === foreign.consumer && at === host);
    if (JSON.stringify(held?.resources) !== JSON.stringify(foreign.resources)) touched(`the allocation on ${host}`);
  }
  return violations;
};
