import type { Draft as RecordDraft } from '../../state/draft.js';
import type { Records } from './entities.js';
import type { View } from './view.js';

/** A write of identity that is being planned. */
export type Draft = RecordDraft<Records, View>;
