import { groupsAreKept } from './api/groups.js';
import { contentsAreThere, imagesAreSettled } from './api/images.js';
import { serversAreSettled, serversAreWhole } from './api/servers.js';
import { imagesAreAsTold, serversAreAsTold } from './api/told.js';
import { usageIsTrue } from './api/usage.js';
import { addressesAreThoseOfTheNetwork, addressesAreTrue } from './addresses.js';
import { agentsArePresent, auditsFindNothing, hostsCanWork } from './agents.js';
import { allocationsMatchRequests } from './allocations.js';
import { attemptsAgree } from './attempts.js';
import { domainsAreTrue, wishesAreCarriedOut } from './domains.js';
import { findDoubles } from './doubles.js';
import { filesBelongToInstances } from './files.js';
import { foreignIsUntouched } from './foreign-things.js';
import { copiesAreThere, imageCachesAreTidy, imagesAreAsAskedFor, imagesOfDisksAreThere } from './images.js';
import { booksAreClosed, keysHaveOwners, locationsAreTrue, namesAreTrue } from './keys.js';
import { roomIsCounted } from './counted.js';
import { filtersHoldTheGuests } from './packet-filter.js';
import { recordsAreSettled, recordsHaveRequests, requestsHaveRecords } from './records.js';
import type { Judged, Rule, Violation } from './rule.js';
import { toldIsTrue } from './told.js';

/** What must hold once all faults are over and a reconcile period has passed. Pure. */
export const findViolations = (judged: Judged): Violation[] => RULES.flatMap((rule) => rule(judged));

const RULES: readonly Rule[] = [
  toldIsTrue,
  recordsAreSettled,
  recordsHaveRequests,
  requestsHaveRecords,
  attemptsAgree,
  locationsAreTrue,
  namesAreTrue,
  booksAreClosed,
  domainsAreTrue,
  wishesAreCarriedOut,
  allocationsMatchRequests,
  roomIsCounted,
  filesBelongToInstances,
  imagesOfDisksAreThere,
  copiesAreThere,
  imagesAreAsAskedFor,
  imageCachesAreTidy,
  ({ world }) => findDoubles(world),
  addressesAreTrue,
  addressesAreThoseOfTheNetwork,
  filtersHoldTheGuests,
  agentsArePresent,
  hostsCanWork,
  auditsFindNothing,
  keysHaveOwners,
  foreignIsUntouched,
  serversAreAsTold,
  imagesAreAsTold,
  serversAreWhole,
  serversAreSettled,
  usageIsTrue,
  groupsAreKept,
  imagesAreSettled,
  contentsAreThere,
];
