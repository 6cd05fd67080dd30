import type { Rule } from './rule.js';

export const agentsArePresent: Rule = ({ world }) =>
  world.hosts
    .filter(({ host, agentPid }) => world.presences.get(host) !== agentPid)
    .map(({ host, agentPid }) => ({
      rule: 'agent away',
      what: `the presence of host ${host} is not that of its agent, process ${agentPid}`,
    }));

export const hostsCanWork: Rule = ({ world }) =>
  [...world.troubles].map(([host, { code, message }]) => ({
    rule: 'host in trouble',
    what: `${host}: ${code}: ${message}`,
  }));

/** The agents look for the same things by themselves, and must not find what is not there. */
export const auditsFindNothing: Rule = ({ world }) =>
  [...world.findings].flatMap(([host, findings]) =>
    findings.map(({ kind, instance, detail }) => ({
      rule: 'audit finding',
      what: `${kind} on ${host}: ${detail}`,
      ...(instance !== undefined && { instance }),
    })),
  );
