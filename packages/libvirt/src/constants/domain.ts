/* Flag values of libvirt-domain.h, as of libvirt 9.0: https://libvirt.org/html/libvirt-libvirt-domain.html */

/** Which domains `listAllDomains` gives; 0 means all. */
export const ListAllDomainsFlags = {
  ACTIVE: 1,
  INACTIVE: 2,
  PERSISTENT: 4,
  TRANSIENT: 8,
  RUNNING: 16,
  PAUSED: 32,
  SHUTOFF: 64,
  OTHER: 128,
  MANAGEDSAVE: 256,
  NO_MANAGEDSAVE: 512,
  AUTOSTART: 1024,
  NO_AUTOSTART: 2048,
  HAS_SNAPSHOT: 4096,
  NO_SNAPSHOT: 8192,
  HAS_CHECKPOINT: 16384,
  NO_CHECKPOINT: 32768,
} as const;

/** For `domainCreateXML` and `Domain.create`. */
export const DomainCreateFlags = {
  PAUSED: 1,
  AUTODESTROY: 2,
  BYPASS_CACHE: 4,
  FORCE_BOOT: 8,
  VALIDATE: 16,
  RESET_NVRAM: 32,
} as const;

/** For `domainDefineXML`. */
export const DomainDefineFlags = {
  VALIDATE: 1,
} as const;

/** For `Domain.destroy`. */
export const DomainDestroyFlags = {
  DEFAULT: 0,
  GRACEFUL: 1,
  REMOVE_LOGS: 2,
} as const;

/** For `Domain.shutdown`. */
export const DomainShutdownFlags = {
  DEFAULT: 0,
  ACPI_POWER_BTN: 1,
  GUEST_AGENT: 2,
  INITCTL: 4,
  SIGNAL: 8,
  PARAVIRT: 16,
} as const;

/** For `Domain.reboot`. */
export const DomainRebootFlags = {
  DEFAULT: 0,
  ACPI_POWER_BTN: 1,
  GUEST_AGENT: 2,
  INITCTL: 4,
  SIGNAL: 8,
  PARAVIRT: 16,
} as const;

/** For `Domain.undefineFlags`. */
export const DomainUndefineFlags = {
  MANAGED_SAVE: 1,
  SNAPSHOTS_METADATA: 2,
  NVRAM: 4,
  KEEP_NVRAM: 8,
  CHECKPOINTS_METADATA: 16,
  TPM: 32,
  KEEP_TPM: 64,
} as const;

/** For `Domain.getXMLDesc`. */
export const DomainXMLFlags = {
  SECURE: 1,
  INACTIVE: 2,
  UPDATE_CPU: 4,
  MIGRATABLE: 8,
} as const;

/** For `Domain.setMetadata` and `getMetadata`. */
export const DomainMetadataType = {
  DESCRIPTION: 0,
  TITLE: 1,
  ELEMENT: 2,
} as const;

/** Whether a change is for the running domain, its definition, or both. */
export const DomainModificationImpact = {
  CURRENT: 0,
  LIVE: 1,
  CONFIG: 2,
} as const;

/** For `Domain.agentSetResponseTimeout`, beside seconds. */
export const DomainAgentResponseTimeout = {
  BLOCK: -2,
  DEFAULT: -1,
  NOWAIT: 0,
} as const;

/** For `Domain.openConsole`. */
export const DomainConsoleFlags = {
  FORCE: 1,
  SAFE: 2,
} as const;

/** For `Domain.backupBegin`. */
export const DomainBackupBeginFlags = {
  REUSE_EXTERNAL: 1,
} as const;

/** For `Domain.getJobStats`. */
export const DomainGetJobStatsFlags = {
  COMPLETED: 1,
  KEEP_COMPLETED: 2,
} as const;
