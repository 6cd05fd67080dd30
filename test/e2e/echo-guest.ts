/**
 * The smallest guest that talks: a boot sector that says READY on the first serial port and then echoes what it reads.
 * It needs no kernel and is up as soon as the BIOS is.
 *
 *   7c00  cli; xor ax,ax; mov ds,ax; mov ss,ax; mov sp,0x7c00; cld
 *   7c0b  mov si,msg
 *   7c0e  next: lodsb; test al,al; jz echo; call put; jmp next
 *   7c18  echo: mov dx,0x3fd;  wait: in al,dx; test al,1; jz wait
 *   7c20        mov dx,0x3f8; in al,dx; call put; jmp echo
 *   7c29  put:  push ax; mov dx,0x3fd;  busy: in al,dx; test al,0x20; jz busy
 *   7c32        pop ax; mov dx,0x3f8; out dx,al; ret
 *   7c38  msg:  "READY\r\n\0"
 */
const CODE =
  'fa31c08ed88ed0bc007cfcbe387cac84c07405e81300ebf6bafd03eca80174fbbaf803ece80200ebef50bafd03eca82074fb58baf803eec3';

/** The BIOS does not boot from a disk of one sector. */
const DISK_BYTES = 1024 * 1024;

/** A raw disk with the boot sector. */
export function echoGuestDisk(): Buffer {
  const disk = Buffer.alloc(DISK_BYTES);
  Buffer.concat([Buffer.from(CODE, 'hex'), Buffer.from('READY\r\n\0', 'latin1')]).copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
