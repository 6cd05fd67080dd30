/** Whether an error says nothing about what was asked: the service is away, broken or busy, or does not know us. */
export { isPlacementTrouble as isCapacityTrouble } from '../placement/errors.js';
