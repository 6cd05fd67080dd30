/** As in package.json, which a bundle does not carry along; a test compares the two. */
export const VERSION = '0.1.0';
