/** An instance for people: `web (7c6111be-...)`, or the uuid alone where it has no name. */
export const nameAndUuid = ({ name, instance }: { readonly name: string | null; readonly instance: string }): string =>
  name === null ? instance : `${name} (${instance})`;
