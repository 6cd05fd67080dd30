import type { Service } from '@etcd-compute/api/http/service';

/** What each service has, as tables of Markdown: made from its routes, so that they tell the truth. */
export const renderRoutes = (services: readonly Service[]): string => services.map(renderService).join('\n\n');

const renderService = ({ name, path: root, routes, sockets = [] }: Service): string => {
  const paths = new Map<string, { there: string[]; refused: Map<string, string[]> }>();
  for (const { method, path, refusal } of routes) {
    const row = paths.get(path) ?? { there: [], refused: new Map<string, string[]>() };
    if (refusal === undefined) row.there.push(method);
    else row.refused.set(refusal, [...(row.refused.get(refusal) ?? []), method]);
    paths.set(path, row);
  }
  for (const { path } of sockets) paths.set(path, { there: ['websocket'], refused: new Map() });
  const rows = [...paths]
    // Each path of compute stands below /v2, too.
    .filter(([path]) => name !== 'compute' || (!path.startsWith('/v2/') && path !== '/v2'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { there, refused }]) => [
      `\`${root}${path}\``,
      there.join(', '),
      [...refused].map(([sentence, methods]) => `${methods.join(', ')}: ${sentence}`).join('<br>'),
    ]);
  const title = `### ${name[0]?.toUpperCase()}${name.slice(1)}`;
  return [title, '', ...renderTable([['path', 'there', 'refused: 501, or 404 where there is none'], ...rows])].join(
    '\n',
  );
};

/** Columns are as wide as their widest cell, as formatters have them. */
const renderTable = ([head = [], ...rows]: readonly (readonly string[])[]): string[] => {
  const hasLast = rows.some((row) => row.at(-1) !== '');
  const cut = [head, ...rows].map((row) => (hasLast ? row : row.slice(0, -1)));
  const widths = (cut[0] ?? []).map((_, column) => Math.max(...cut.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...others] = cut;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)];
};
