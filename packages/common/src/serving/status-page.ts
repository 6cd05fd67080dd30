/** For whoever runs the server, not for users of the API: it asks for no token and knows no versions. */
export interface StatusPage {
  readonly path: string;
  readonly render: () => Promise<StatusReply>;
}

export interface StatusReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
