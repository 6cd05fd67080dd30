const SECTOR = 512;

/** A few sectors with a boot sector's mark. @param label makes it another content. */
export const imageContent = (label: string): Buffer => {
  const content = Buffer.alloc(8 * SECTOR);
  content.write(label, 16);
  content.set([0x55, 0xaa], 510);
  return content;
};
