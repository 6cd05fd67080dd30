/** What a guest is called whose server has this name: as Nova makes it. @param id for names of which nothing is left. */
export const hostnameOf = (name: string, id: string): string => {
  const label = name
    .normalize('NFKD')
    .replace(/[ _]/g, '-')
    .replace(/[^a-zA-Z0-9.-]/g, '')
    .toLowerCase()
    .replaceAll('.', '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return label === '' ? `server-${id}` : label;
};
