#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
// Both settings are for the agent's memory at rest, and save some 20 MB each: by default V8 lets the youngest part of the heap grow to
// three times 16 MB and keeps it, and the C library gives every thread an arena of its own, which keeps what that thread once needed.
import '../dist/bin/ecompute.js';
