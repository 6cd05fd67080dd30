/** What `--help` opens with: examples first, then the form. yargs adds the options. */
export const HELP = {
  all: `Examples:
  eschedule boot --name web --memory 512M --image http://images.example/debian.qcow2
  eschedule list
  eschedule show web
  eschedule destroy web
  eschedule hosts -o wide

  eschedule 'resources=VCPU:1,DISK_GB:1,MEMORY_MB:256' [IMAGE]   the original's form; prints its lines
  eschedule UUID                                                 prints the address of an instance

Usage: eschedule <command> [options]

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 no host has room, 4 timed out, 130 interrupted`,

  boot: `Examples:
  eschedule boot
  eschedule boot --name web --vcpus 2 --memory 2G --disk 10G --image http://images.example/debian.qcow2
  eschedule boot --name web --count 3 --no-wait -o json
  eschedule boot --resources 'VCPU:1,MEMORY_MB:512,CUSTOM_GPU:1' --trait HW_CPU_X86_AVX2

Usage: eschedule boot [options]

Boots an instance on one of the hosts that have room, waits until it is up and prints it. An instance that its host cannot build
goes on to the next host. With --count, as many as find room are placed and printed (an array with -o json); when some do not,
the exit code is 3 and standard error says how many and why.`,

  list: `Examples:
  eschedule list
  eschedule list -o wide
  eschedule destroy $(eschedule list -o name)

Usage: eschedule list [options]`,

  show: `Examples:
  eschedule show web
  eschedule show web -o json

Usage: eschedule show <uuid or name> [options]`,

  destroy: `Examples:
  eschedule destroy web
  eschedule destroy web-1 web-2 --wait

Usage: eschedule destroy <uuid or name>.. [options]

Destroys instances with their disks. Returns when the wish is written; --wait waits until they are gone. Prints them only with -o.`,

  hosts: `Examples:
  eschedule hosts
  eschedule hosts -o json

Usage: eschedule hosts [options]

Lists the hosts: used and usable amounts, and whether the agent is up, down or draining.`,
} as const;
