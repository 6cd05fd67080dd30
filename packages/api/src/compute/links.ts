/** What an answer says of where something is. @param path such as `flavors/1`. @param url of version 2.1. */
export const linksTo = (path: string, url: string): readonly object[] => [
  { rel: 'self', href: `${url}/${path}` },
  { rel: 'bookmark', href: `${url.replace(/\/v2\.1$/, '')}/${path}` },
];
