# Prints this machine's package sources, one `URI RELEASE COMPONENT` per line, without those of other vendors. Sourced, not run.
list_apt_sources() {
  local vendor
  vendor=$(. /etc/os-release && echo "$ID")
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v vendor="$vendor" 'tolower($1) == vendor { print $2, $3, $4 }' | sort -u
}
