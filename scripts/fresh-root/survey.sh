# Lists everything that a test or a demo could leave behind on a fresh machine, one item per line. Sourced, not run.

survey() {
  list_processes | sed 's/^/process /'
  cut -d ' ' -f 1-3 /proc/self/mounts | sed 's/^/mount /'
  find /sys/class/net -type l -printf 'network device %f\n'
  list_firewall_rules
  find /tmp /var/tmp /dev/shm -mindepth 1 -maxdepth 1 -printf 'file %p\n'
  list_libvirt_files | sed 's/^/file /'
}

# Before setup there is no iptables. libvirt never removes its own chains, nor the jumps to them; only their rules count.
list_firewall_rules() {
  local tool
  for tool in iptables-save ip6tables-save; do
    if command -v "$tool" > /dev/null; then "$tool" | sed -n '/-j LIBVIRT_/d; s/^-A/firewall rule &/p'; fi
  done
}

# Except those of its packages, and those that libvirtd keeps for itself.
list_libvirt_files() {
  local folder
  for folder in /etc/libvirt/qemu /etc/libvirt/storage /var/lib/libvirt /var/log/libvirt /run/libvirt /run/netns; do
    [ ! -d "$folder" ] || find "$folder" -type f -not -name default.xml -not -name .placeholder -not -name system.token -not -name nwfilter.leases
  done
}

# Orphans become children of process 1. So is the command that this machine runs, which does not count.
list_processes() {
  local path pid command=$$
  until [ "$(parent_of "$command")" -le 1 ]; do command=$(parent_of "$command"); done
  for path in /proc/[0-9]*; do
    pid=${path#/proc/}
    if [ "$pid" -ne "$command" ] && [ "$(parent_of "$pid")" = 1 ]; then tr '\0' ' ' < "$path/cmdline" && echo; fi
  done
}

parent_of() {
  sed -n 's/^PPid:\s*//p' "/proc/$1/status" 2> /dev/null
}
