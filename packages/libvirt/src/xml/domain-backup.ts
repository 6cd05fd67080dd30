/** Domain backup XML, of backups that the hypervisor pushes into files: https://libvirt.org/formatbackup.html */
import { parseXml, renderXml } from './document.js';

export interface DomainBackup {
  /** The domain's name for the disk, such as `vda`. Others are left out. */
  readonly disk: string;
  /** The file that is written. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/** Renders a backup for `Domain.backupBegin`. Throws `XmlValueError`. */
export function renderDomainBackup({ disk, path, format }: DomainBackup): string {
  return renderXml({
    domainbackup: {
      '@mode': 'push',
      disks: {
        disk: {
          '@name': disk,
          '@backup': 'yes',
          '@type': 'file',
          driver: { '@type': format },
          target: { '@file': path },
        },
      },
    },
  });
}

/** Where the disks of a backup that is under way go. */
export function parseDomainBackup(xml: string): { disk: string; path: string | undefined }[] {
  return parseXml(xml, 'domainbackup')
    .child('disks')
    .children('disk')
    .filter((disk) => disk.attribute('backup') !== 'no')
    .map((disk) => ({ disk: disk.attribute('name') ?? '', path: disk.child('target').attribute('file') }));
}
