import { chooseType } from './accept.js';
import type { HttpError } from './http-error.js';
import { NEWEST_VERSION, OLDEST_VERSION } from './microversion.js';

/** What an error's reply tells of the request. */
export interface FailedRequest {
  readonly method: string;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly requestId: string;
  /** N of microversion 1.N; undefined when it was not understood. */
  readonly version: number | undefined;
}

export interface ErrorReply {
  readonly contentType: string;
  readonly body: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const EXPLANATIONS: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  401:
    'This server could not verify that you are authorized to access the document you requested. ' +
    'Either you supplied the wrong credentials (e.g., bad password), ' +
    'or your browser does not understand how to supply the credentials required.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  408: 'The server has waited too long for the request to be sent by the client.',
  409: 'There was a conflict when trying to complete your request.',
  413: 'The body of your request was too large for this server.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
  503: 'The server is currently unavailable. Please try again at a later time.',
};

/**
 * The body of an error in what the caller accepts: JSON if it does not say. Clients look for texts in `detail`, so its words, and the
 * blanks between them, are those of OpenStack Placement. https://specs.openstack.org/openstack/api-wg/guidelines/errors.html
 */
export const renderError = (error: HttpError, request: FailedRequest): ErrorReply => {
  const title = TITLES[error.status] ?? 'Error';
  const accept = request.accept === '*/*' ? undefined : request.accept;
  const type = accept === undefined ? 'application/json' : chooseType(accept, ['text/html', 'application/json']);
  const text = explain(error, request);
  if (type === 'application/json')
    return { contentType: type, body: JSON.stringify({ errors: [describe(error, { title, text, request })] }) };
  const heading = `${error.status} ${title}`;
  if (type === 'text/html') return { contentType: 'text/html; charset=UTF-8', body: renderPage(heading, text) };
  return { contentType: 'text/plain; charset=UTF-8', body: `${heading}\n\n${text}` };
};

interface Description {
  readonly title: string;
  readonly text: string;
  readonly request: FailedRequest;
}

const describe = (error: HttpError, { title, text, request }: Description): Record<string, unknown> => ({
  status: error.status,
  title,
  detail: text,
  ...(request.version !== undefined && request.version >= 23 ? { code: error.code } : {}),
  request_id: request.requestId,
  ...(error.status === 406 && request.version === undefined
    ? { max_version: NEWEST_VERSION, min_version: OLDEST_VERSION }
    : {}),
});

const explain = ({ status, detail }: HttpError, { method, accept, contentType }: FailedRequest): string => {
  const told = detail.replaceAll('\r', '').replaceAll('\n', ' ');
  switch (status) {
    case 405:
      return `The method ${method} is not allowed for this resource. \n\n ${told}`;
    case 406:
      return `The resource could not be generated that was acceptable to your browser (content of type ${accept ?? 'application/json'}. \n\n ${told}`;
    case 415:
      return `The request media type ${contentType ?? 'None'} is not supported by this server. \n\n ${told}`;
    default:
      return `${EXPLANATIONS[status] ?? ''}\n\n ${told}  `;
  }
};

const renderPage = (heading: string, text: string): string =>
  `<html>
 <head>
  <title>${heading}</title>
 </head>
 <body>
  <h1>${heading}</h1>
  ${escapeHtml(text).replaceAll('\n', '<br />')}
 </body>
</html>`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
