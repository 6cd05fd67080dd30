import { mayBeDone, noteCreate } from './note-answer.js';
import { chooseServer } from './choose-server.js';
import type { RequestSpec } from './request-kinds.js';
import type { PlayRequest } from './requests.js';

interface NewServers {
  readonly least?: number;
  readonly most?: number;
  readonly isInGroup?: boolean;
  readonly zone?: string;
}

export const createServer =
  ({ least = 1, most = 1, isInGroup = false, zone }: NewServers): PlayRequest =>
  async ({ request: { name, draw }, tenant, ledger, as }) => {
    const { image, flavors, keypair, groups } = tenant;
    const group = groups[draw % groups.length];
    const answer = await as(tenant.user)('POST /compute/v2.1/servers', {
      body: {
        server: {
          name,
          imageRef: image,
          flavorRef: flavors[0],
          networks: 'auto',
          key_name: keypair,
          min_count: least,
          max_count: most,
          metadata: { drawn: String(draw) },
          ...(zone !== undefined && { availability_zone: zone }),
        },
        ...(isInGroup && { 'os:scheduler_hints': { group } }),
      },
    });
    noteCreate(ledger, { name, least, most }, answer);
    return answer;
  };

export const deleteServer: PlayRequest = async ({ stage, request, tenant, ledger, as }) => {
  const chosen = await chooseServer(stage, request);
  if (!chosen) return 'nothing there';
  const { id } = chosen.server;
  ledger.deletesAsked.add(id);
  const answer = await as(tenant.user)(`DELETE /compute/v2.1/servers/${id}`);
  if (answer?.status === 204) ledger.deletesAccepted.add(id);
  return answer;
};

export const setMetadata: PlayRequest = async ({ stage, request, tenant, as }) => {
  const chosen = await chooseServer(stage, request);
  if (!chosen) return 'nothing there';
  return as(tenant.user)(`POST /compute/v2.1/servers/${chosen.server.id}/metadata`, {
    body: { metadata: { drawn: String(request.draw) } },
  });
};

export const actOnServer =
  ({ action, wish }: RequestSpec): PlayRequest =>
  async ({ stage, request, tenant, ledger, as }) => {
    const chosen = await chooseServer(stage, request);
    if (!chosen || !action) return 'nothing there';
    const { server } = chosen;
    const flavor = tenant.flavors.find((one) => one !== server.flavor.id) ?? tenant.flavors[0];
    const answer = await as(tenant.user)(`POST /compute/v2.1/servers/${server.id}/action`, {
      body: action({ flavor, image: tenant.image, name: `of-${request.name}` }),
    });
    if (wish !== undefined && mayBeDone(answer))
      ledger.wishes.set(server.id, [...(ledger.wishes.get(server.id) ?? []), wish]);
    return answer;
  };
