/** Prints the packet filter of a config, as it is where this runs: `node print-filter.mjs CONFIG PORTS BRIDGE`, the first two as JSON. */
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createFilterTables } from '@etcd-compute/agent/networks/filter-tables';
import { silentLogger } from '@etcd-compute/common/log';

const [, , config = '', ports = '', bridge] = process.argv;
const tables = createFilterTables(agentConfigSchema.parse(JSON.parse(config)), silentLogger());
process.stdout.write(tables.render(await tables.all(JSON.parse(ports), bridge)));
