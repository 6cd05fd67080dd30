# What tempest is told of the cloud. For test-openstack.sh, after cloud.sh.
write_tempest_conf() {
  cat << EOF
[DEFAULT]
log_dir = $work
[oslo_concurrency]
lock_path = $work
[auth]
use_dynamic_credentials = false
test_accounts_file = $work/accounts.yaml
create_isolated_networks = false
[identity]
auth_version = v3
uri_v3 = http://127.0.0.1:$port/identity/v3
region = RegionOne
[identity-feature-enabled]
api_v2_admin = false
[image]
# What is uploaded here is random: of the formats that servers boot from it would be refused.
disk_formats = aki,ari
container_formats = aki,ari
[compute]
image_ref = $(image_of first)
image_ref_alt = $(image_of second)
flavor_ref = first
flavor_ref_alt = second
fixed_network_name = ecompute
min_microversion = 2.1
max_microversion = latest
build_interval = 1
[compute-feature-enabled]
resize = true
shelve = true
suspend = true
rescue = false
live_migration = false
cold_migration = false
config_drive = true
hostname_fqdn_sanitization = true
vnc_console = false
personality = false
# Older than it says: metadata can be written.
xenapi_apis = true
[validation]
run_validation = $has_guests
connect_method = fixed
network_for_ssh = ecompute
image_ssh_user = root
image_alt_ssh_user = root
ssh_key_type = rsa
# There is one group for all, which lets everything in.
security_group = false
security_group_rules = false
[network]
shared_physical_network = true
[service_available]
nova = true
glance = true
neutron = true
cinder = false
swift = false
horizon = false
EOF
}
