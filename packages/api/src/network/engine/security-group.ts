import { groupIdOf, groupRuleIdOf } from './ids.js';

/*
 * Each project has one security group, `default`, which all its servers are in. It says what is so without any group: nothing that reaches
 * a server is kept from it, and what a server may send is for the host to say. Pure.
 */

export interface GroupRule {
  readonly id: string;
  readonly group: string;
  readonly project: string;
  readonly direction: 'ingress' | 'egress';
  readonly ethertype: 'IPv4' | 'IPv6';
  readonly description: string;
}

export interface SecurityGroup {
  readonly id: string;
  readonly project: string;
  readonly name: 'default';
  readonly description: string;
  readonly rules: readonly GroupRule[];
}

const RULE_TEXTS = {
  ingress:
    'Whatever reaches the network of the server reaches the server: other servers of its host, and what is routed there.',
  egress: 'From the addresses of the server only, and not to hosts of the cloud, unless their settings say otherwise.',
} as const;

export const RULES_OF_GROUP = (['ingress', 'egress'] as const).flatMap((direction) =>
  (['IPv4', 'IPv6'] as const).map((ethertype) => ({ direction, ethertype })),
);

export const defaultGroupOf = (project: string): SecurityGroup => {
  const group = groupIdOf(project);
  return {
    id: group,
    project,
    name: 'default',
    description: 'What holds for every server of this cloud. It cannot be changed, and there are no others.',
    rules: RULES_OF_GROUP.map(({ direction, ethertype }) => ({
      id: groupRuleIdOf(project, `${direction}/${ethertype}`),
      group,
      project,
      direction,
      ethertype,
      description: RULE_TEXTS[direction],
    })),
  };
};
