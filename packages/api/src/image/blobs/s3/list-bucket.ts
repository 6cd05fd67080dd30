import { isAbsent, type Bucket } from './bucket.js';

/** The keys of all objects below a prefix. */
export const listKeys = async ({ sdk, ask, client, bucket }: Bucket, prefix: string): Promise<readonly string[]> => {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const asked = { Bucket: bucket, Prefix: prefix, ...(after !== undefined && { ContinuationToken: after }) };
    const page = await ask('list images', async (options) => client.send(new sdk.ListObjectsV2Command(asked), options));
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
    after = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (after !== undefined);
  return keys;
};

/** An upload in parts that is neither whole nor given up. */
export interface Upload {
  readonly Key: string;
  readonly UploadId: string;
}

export const listUploads = async ({ sdk, ask, client, bucket }: Bucket, prefix: string): Promise<readonly Upload[]> => {
  const uploads: Upload[] = [];
  let after: { KeyMarker: string | undefined; UploadIdMarker: string | undefined } | undefined;
  do {
    const asked = { Bucket: bucket, Prefix: prefix, ...after };
    const page = await ask('list uploads', async (options) =>
      client.send(new sdk.ListMultipartUploadsCommand(asked), options),
    );
    for (const { Key, UploadId } of page.Uploads ?? [])
      if (Key !== undefined && UploadId !== undefined) uploads.push({ Key, UploadId });
    after =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
  } while (after !== undefined);
  return uploads;
};

/** Repeatable. */
export const abortUpload = async ({ sdk, ask, client, bucket }: Bucket, upload: Upload): Promise<void> =>
  ask('give up an upload', async (options) => {
    try {
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, ...upload }), options);
    } catch (err) {
      if (!isAbsent(err)) throw err;
    }
  });
